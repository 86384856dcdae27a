"""The encoder of the tiny recipe."""

from torch import nn

from replearn.models.encoder import Encoder
from replearn.validate import check_integer


class TinyConv(nn.Sequential, Encoder):
    """Encode small images by three convolutions and a 2 x 2 average pool, in milliseconds on a laptop.

    ``[conv 5x5 stride 2, c -> w] [conv 3x3 stride 2, w -> 2w] [conv 3x3, 2w -> 2w]``, each without bias and followed by
    BatchNorm and ReLU; then adaptive average pooling to 2 x 2, flattened: (N, in_channels, H, W) -> (N, 8 width).

    Parameters
    ----------
    width : int
        Channels w of the first layer.
    in_channels : int
        Channels of the images, 1 for grey and 3 for colour.

    Attributes
    ----------
    dim : int
        Size of the representation, 8 width (128 for the default).

    References
    ----------
    The tiny recipe of this book, shared by the chapters of part 1.

    Examples
    --------
    >>> TinyConv(16).dim
    128
    """

    def __init__(self, width: int = 16, in_channels: int = 1) -> None:
        check_integer("width", width, 1)
        check_integer("in_channels", in_channels, 1)
        super().__init__(
            *_conv_block(in_channels, width, kernel=5, stride=2),
            *_conv_block(width, 2 * width, kernel=3, stride=2),
            *_conv_block(2 * width, 2 * width, kernel=3, stride=1),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.dim = 8 * width


def _conv_block(c_in: int, c_out: int, *, kernel: int, stride: int) -> tuple:
    conv = nn.Conv2d(c_in, c_out, kernel, stride=stride, padding=kernel // 2, bias=False)
    return conv, nn.BatchNorm2d(c_out), nn.ReLU()
