"""torchvision's residual networks as encoders."""

import torch
from torch import nn
from torchvision import models

from replearn.models.encoder import Encoder
from replearn.validate import check_choice, check_integer

_NETWORKS = {18: models.resnet18, 34: models.resnet34, 50: models.resnet50}


class ResNet(Encoder):
    """A residual network without its classifier: (N, in_channels, H, W) -> (N, d), d = 512 (2,048 at depth 50).

    Parameters
    ----------
    depth : int
        18, 34 or 50.
    in_channels : int
        Channels of the images.
    small_images : bool
        For images of about 32 pixels: a first convolution of 3 x 3 and stride 1, and no pooling behind it, in the
        place of 7 x 7 and stride 2 with pooling.

    Attributes
    ----------
    dim : int
        Size d of the representation.

    References
    ----------
    He et al. 2016, in torchvision's version; the small stem is that of SimCLR (Chen et al., 2020, appendix B.9).

    Examples
    --------
    >>> ResNet(18, in_channels=1).dim
    512
    """

    def __init__(self, depth: int = 18, *, in_channels: int = 3, small_images: bool = True) -> None:
        super().__init__()
        check_choice("depth", depth, tuple(_NETWORKS))
        check_integer("in_channels", in_channels, 1)
        self.network = _NETWORKS[depth](weights=None)
        self.dim = self.network.fc.in_features
        self.network.fc = nn.Identity()
        kernel, stride = (3, 1) if small_images else (7, 2)
        self.network.conv1 = nn.Conv2d(in_channels, 64, kernel, stride, kernel // 2, bias=False)
        nn.init.kaiming_normal_(self.network.conv1.weight, mode="fan_out", nonlinearity="relu")
        if small_images:
            self.network.maxpool = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)
