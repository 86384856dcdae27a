"""How a chapter of The Self-Supervised Learning Cookbook is opened, drawn, played with and checked.

``import cookbook as cb`` gives a chapter all it needs; the science is in ``replearn``.
"""

from cookbook import plots
from cookbook.chapter import Chapter
from cookbook.claims import ClaimsFailed
from cookbook.contents import contents
from cookbook.explorer import explore, log_slider
from cookbook.source import show_source
from cookbook.style import color

__all__ = [
    "Chapter",
    "ClaimsFailed",
    "color",
    "contents",
    "explore",
    "log_slider",
    "plots",
    "show_source",
]
