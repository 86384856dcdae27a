"""What the methods ask of an encoder."""

from torch import nn


class Encoder(nn.Module):
    """A network that says how long its representations are: (N, ...) -> (N, ``dim``).

    Whatever module has this attribute can stand in its place.
    """

    dim: int
