"""Encoders and heads: the small networks that the chapters train."""

from replearn.models.conv_random_features import ConvRandomFeatures
from replearn.models.heads import UnitRows, mlp_head
from replearn.models.masked_input import MaskedInput
from replearn.models.masked_mlp import MaskedMLP, MaskedMLPDecoder
from replearn.models.mlp import mlp
from replearn.models.random_features import RandomFeatures
from replearn.models.resnet import ResNet
from replearn.models.tiny_conv import TinyConv
from replearn.models.vit import MaeDecoder, TinyViT, TransformerBlock, sincos_2d, vit_flops

__all__ = [
    "ConvRandomFeatures",
    "MaeDecoder",
    "MaskedInput",
    "MaskedMLP",
    "MaskedMLPDecoder",
    "RandomFeatures",
    "ResNet",
    "TinyConv",
    "TinyViT",
    "TransformerBlock",
    "UnitRows",
    "mlp",
    "mlp_head",
    "sincos_2d",
    "vit_flops",
]
