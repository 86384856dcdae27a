"""Encoders and heads: the small networks that the chapters train."""

from replearn.models.heads import mlp_head
from replearn.models.mlp import mlp
from replearn.models.tiny_conv import TinyConv

__all__ = ["TinyConv", "mlp", "mlp_head"]
