"""A memory of past embeddings: MoCo's negatives, NNCLR's neighbours."""

import torch
from torch import nn
from torch.nn import functional as F

from replearn.training.distributed import gather
from replearn.validate import check_integer, check_matrix


class FeatureQueue(nn.Module):
    """The last ``size`` embeddings, first in, first out; part of the state of whoever holds it.

    Parameters
    ----------
    size, dim : int
        How many embeddings, and their dimension K.
    seed : int
        The queue starts full of random unit vectors.

    References
    ----------
    He et al. 2020 (MoCo), section 3.2; Dwibedi et al. 2021 (NNCLR) for the nearest neighbour.

    Examples
    --------
    >>> queue = FeatureQueue(3, dim=2)
    >>> queue.push(torch.eye(2))
    >>> queue.get()[-2:]
    tensor([[1., 0.],
            [0., 1.]])
    """

    rows: torch.Tensor
    oldest: torch.Tensor

    def __init__(self, size: int, dim: int, *, seed: int = 0) -> None:
        super().__init__()
        check_integer("size", size, 1)
        check_integer("dim", dim, 1)
        start = torch.randn(size, dim, generator=torch.Generator().manual_seed(seed))
        self.register_buffer("rows", F.normalize(start, dim=1))
        self.register_buffer("oldest", torch.zeros((), dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.rows)

    @torch.no_grad()
    def push(self, z: torch.Tensor) -> None:
        """Put embeddings (n, K) of all processes, n at most ``size`` in all, in the place of the oldest."""
        check_matrix("z", z)
        z = gather(z.to(self.rows.dtype))
        if z.shape[1] != self.rows.shape[1] or len(z) > len(self):
            raise ValueError(
                f"z must be at most {len(self)} rows of {self.rows.shape[1]} numbers, not {tuple(z.shape)}"
            )
        places = (self.oldest + torch.arange(len(z), device=z.device)) % len(self)
        self.rows[places] = z
        self.oldest.copy_((self.oldest + len(z)) % len(self))

    @torch.no_grad()
    def get(self) -> torch.Tensor:
        """Return a copy of the embeddings (size, K), oldest first."""
        return self.rows.roll(-int(self.oldest), dims=0)

    @torch.no_grad()
    def nearest(self, z: torch.Tensor) -> torch.Tensor:
        """Return the stored embedding of largest cosine with each row of z (n, K)."""
        check_matrix("z", z)
        with torch.autocast(z.device.type, enabled=False):
            similarity = F.normalize(z.to(self.rows.dtype), dim=1) @ F.normalize(self.rows, dim=1).T
        return self.rows[similarity.argmax(dim=1)]
