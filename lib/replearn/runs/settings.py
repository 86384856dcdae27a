"""What a run outside the notebook is asked to do, with defaults that suit recipe and data set."""

from dataclasses import dataclass

from replearn.methods.named import MASKED, METHODS
from replearn.runs.run_data import SMALL

ENCODERS = ("tiny", "resnet18", "resnet34", "resnet50", "vit")
COMMON = {"d_hidden": 128, "dim": 64, "mask_ratio": 0.5, "micro_batches": 1, "clip": None, "side": 224, "seed": 0}
ADAMW = {"weight_decay": 1e-4, "optimizer": "adamw"}
TINY = COMMON | ADAMW | {"encoder": "tiny", "steps": 200, "batch_size": 128, "lr": 5e-3, "warmup": 20}
TINY_VIT = COMMON | ADAMW | {
    "encoder": "vit", "steps": 1500, "batch_size": 128, "lr": 4e-3, "warmup": 100, "weight_decay": 0.05,
}  # fmt: skip
RESNET = COMMON | {
    "encoder": "resnet18", "steps": 19_500, "batch_size": 256, "lr": 0.3, "warmup": 1950, "weight_decay": 1e-4,
    "optimizer": "lars", "d_hidden": 2048, "dim": 256,
}  # fmt: skip
VIT = COMMON | ADAMW | {
    "encoder": "vit", "steps": 39_000, "batch_size": 256, "lr": 1.5e-4, "warmup": 3900, "weight_decay": 0.05,
    "mask_ratio": 0.75,
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do; ``settings_for`` fills in what suits the data set."""

    recipe: str
    data: str
    encoder: str
    steps: int
    batch_size: int
    lr: float
    warmup: int
    weight_decay: float
    optimizer: str
    d_hidden: int
    dim: int
    mask_ratio: float
    micro_batches: int
    clip: float | None
    side: int
    seed: int


def settings_for(recipe, data, **given):
    """The defaults for a recipe and a data set, with what is given (and not None) in their place.

    Small images (``mnist_10k``, ``digits``, ``photos``) take the tiny recipe of part 1, or a tiny vision transformer in
    1,500 steps for the masked families; downloaded data sets and folders a ResNet-18, LARS, batches of 256, and
    19,500 steps (100 epochs of CIFAR), or a ViT-Tiny with AdamW.
    """
    if recipe not in METHODS:
        raise ValueError(f"there is no recipe {recipe!r}; known are {', '.join(METHODS)}")
    chosen = {name: value for name, value in given.items() if value is not None}
    tokens = recipe in MASKED and recipe != "context_encoder"
    if data in SMALL:
        defaults = TINY_VIT if tokens else TINY
        defaults = defaults | ({"lr": 3e-3} if recipe == "dino" else {})
    else:
        defaults = VIT if tokens else RESNET
    settings = defaults | chosen
    if "warmup" not in chosen:
        settings["warmup"] = min(settings["warmup"], settings["steps"] // 10)
    return Settings(recipe, data, **settings)
