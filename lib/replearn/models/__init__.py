"""Encoders and heads: the small networks that the chapters train."""

from replearn.models.heads import mlp_head
from replearn.models.mlp import mlp
from replearn.models.random_features import RandomFeatures
from replearn.models.tiny_conv import TinyConv

__all__ = [
    "RandomFeatures",
    "TinyConv",
    "mlp",
    "mlp_head",
]
