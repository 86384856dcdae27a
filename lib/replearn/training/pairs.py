"""Where positive pairs come from: views of one image, or of two images that somebody called the same."""

import torch

from replearn.data import as_float
from replearn.training.methods import JointEmbedding


class GroupedPairs(JointEmbedding):
    """Two views as in ``JointEmbedding``, the second one of another image of the same group.

    The partner of image i is uniform over its group, i itself included. Groups of one image give two views of that
    image, classes give the pairs of supervised learning, and a single group gives unrelated images.

    Parameters
    ----------
    encoder, projector, loss, augment
        As in ``JointEmbedding``.
    groups : torch.Tensor
        (N,) int64, at least 0: the group of each image of the data set, on its device.

    Raises
    ------
    ValueError
        If ``groups`` are not integers in one dimension, or negative; in training, if there is not one for each image.

    Notes
    -----
    Source: positive pairs as weak labels (Balestriero et al. 2023, the Cookbook); classes as in SupCon (Khosla et al.
    2020), with one partner instead of all.
    """

    def __init__(self, encoder, projector, loss, augment, *, groups):
        super().__init__(encoder, projector, loss, augment)
        if groups.ndim != 1 or groups.is_floating_point() or len(groups) == 0 or groups.min() < 0:
            raise ValueError("groups must hold one integer, at least 0, for each image, in one dimension")
        sizes = groups.bincount()
        self.register_buffer("groups", groups)
        self.register_buffer("members", groups.argsort(stable=True), persistent=False)
        self.register_buffer("sizes", sizes, persistent=False)
        self.register_buffer("starts", sizes.cumsum(0) - sizes, persistent=False)

    def partners(self, index, generator):
        """Draw the partner (B,) of each image ``index`` (B,)."""
        group = self.groups[index]
        share = torch.rand(len(index), generator=generator, device=index.device)
        place = (share * self.sizes[group]).long().clamp(max=self.sizes[group] - 1)
        return self.members[self.starts[group] + place]

    def views(self, images, index, generator):
        if len(images) != len(self.groups):
            raise ValueError(f"groups must hold one entry per image, {len(images)}, but hold {len(self.groups)}")
        first, second = as_float(images[index]), as_float(images[self.partners(index, generator)])
        return self.augment(first, generator), self.augment(second, generator)
