"""Encoders and heads: the small networks that the chapters train."""

from replearn.models.conv_random_features import ConvRandomFeatures
from replearn.models.heads import UnitRows, mlp_head
from replearn.models.mlp import mlp
from replearn.models.random_features import RandomFeatures
from replearn.models.resnet import ResNet
from replearn.models.tiny_conv import TinyConv

__all__ = [
    "ConvRandomFeatures",
    "RandomFeatures",
    "ResNet",
    "TinyConv",
    "UnitRows",
    "mlp",
    "mlp_head",
]
