"""From settings to networks: what a run trains, and what is made again when it is loaded."""

from collections.abc import Callable

from replearn.methods.named import MASKED, method
from replearn.models import ResNet, TinyConv, TinyViT
from replearn.models.encoder import Encoder
from replearn.runs.run_data import SMALL
from replearn.runs.settings import Settings
from replearn.training.method import Method
from replearn.training.seed import seeded


def make_encoder(name: str, shape: tuple[int, ...], *, small: bool) -> Encoder:
    """Make an encoder of images (C, H, W) by its name; where not ``small``, a transformer is a ViT-Tiny."""
    channels, height, width = shape
    side = min(height, width)
    if name == "tiny":
        return TinyConv(16, channels)
    if name == "vit":
        return _vision_transformer((height, width), channels, small)
    return ResNet(int(name.removeprefix("resnet")), in_channels=channels, small_images=side <= 64)


def make_method(settings: Settings, shape: tuple[int, ...], views: Callable, crop: Callable) -> Method:
    """Make the recipe's method on a fresh encoder, which the seed alone decides."""
    with seeded(settings.seed):
        encoder = make_encoder(settings.encoder, shape, small=settings.data in SMALL)
    return method(
        settings.recipe,
        encoder,
        crop if settings.recipe in MASKED else views,
        shape=shape,
        ratio=settings.mask_ratio,
        d_hidden=settings.d_hidden,
        dim=settings.dim,
        micro_batches=settings.micro_batches,
        seed=settings.seed,
    )


def _vision_transformer(sides: tuple[int, int], channels: int, small: bool) -> TinyViT:
    side = min(sides)
    if small:
        return TinyViT(sides, side // 4 if side <= 64 else 16, in_channels=channels)
    patch = side // 8 if side <= 64 else 16
    return TinyViT(sides, patch, in_channels=channels, dim=192, depth=12, heads=3, mlp_ratio=4.0)
