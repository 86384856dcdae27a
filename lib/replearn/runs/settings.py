"""What a run outside the notebook is asked to do, with defaults that suit recipe and data set."""

from dataclasses import dataclass, field, fields
from typing import Any

from replearn.methods.named import MASKED, METHODS
from replearn.runs.run_data import LARGE, SMALL
from replearn.training.settings import LoopSettings

ENCODERS = ("tiny", "resnet18", "resnet34", "resnet50", "vit")
OPTIMIZERS = ("adamw", "lars")


def _option(default: Any, text: str, choices: tuple[str, ...] | None = None) -> Any:
    return field(default=default, metadata={"help": text, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class Settings(LoopSettings):
    """What a run is asked to do: how to descend, and what; ``settings_for`` fills in what suits the data set.

    Every field but ``recipe`` and ``data`` is an option of the command line.
    """

    recipe: str
    data: str
    encoder: str = _option("tiny", "the network", ENCODERS)
    optimizer: str = _option("adamw", "what descends", OPTIMIZERS)
    d_hidden: int = _option(128, "size of the projector's hidden layer")
    dim: int = _option(64, "size of the embedding")
    mask_ratio: float = _option(0.5, "share of the patches that masked methods hide")
    micro_batches: int = _option(1, "parts of a batch that is too large for the memory")
    side: int = _option(224, "height and width of a folder's images")

    def of_loop(self) -> dict[str, Any]:
        """The part of the settings that ``replearn.training.pretrain`` takes."""
        return {part.name: getattr(self, part.name) for part in fields(LoopSettings)}


TINY = {"encoder": "tiny", "steps": 200, "batch_size": 128, "lr": 5e-3, "warmup": 20}
TINY_VIT = {"encoder": "vit", "steps": 1500, "batch_size": 128, "lr": 4e-3, "warmup": 100, "weight_decay": 0.05}
RESNET = {
    "encoder": "resnet18",
    "optimizer": "lars",
    "steps": 19_500,
    "batch_size": 256,
    "lr": 0.3,
    "warmup": 1950,
    "d_hidden": 2048,
    "dim": 256,
}
VIT = {
    "encoder": "vit",
    "steps": 39_000,
    "batch_size": 256,
    "lr": 1.5e-4,
    "warmup": 3900,
    "weight_decay": 0.05,
    "mask_ratio": 0.75,
}


def settings_for(recipe: str, data: str, **given: Any) -> Settings:
    """Choose the settings of a recipe on a data set, with what is given (and not None) in their place.

    Small images (``mnist_10k``, ``digits``, ``photos``) take the tiny recipe of part 1, or a tiny vision transformer in
    1,500 steps for the masked methods; downloaded data sets and folders a ResNet-18, LARS, batches of 256, and
    19,500 steps (100 epochs of CIFAR), or a ViT-Tiny with AdamW.

    Parameters
    ----------
    recipe : str
        One of ``replearn.methods.METHODS``.
    data : str
        Name of a data set, or path of a folder, as of ``open_data``.
    **given
        Fields of :class:`Settings`.

    Returns
    -------
    Settings

    Examples
    --------
    >>> chosen = settings_for("vicreg", "cifar10", steps=1000)
    >>> chosen.encoder, chosen.steps, chosen.warmup
    ('resnet18', 1000, 100)
    """
    if recipe not in METHODS:
        raise ValueError(f"there is no recipe {recipe!r}; known are {', '.join(METHODS)}")
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if reason := _unused(name, recipe, data):
            raise ValueError(f"{name} is given, but {reason}; leave it out")
    chosen = _defaults(recipe, data) | given
    if "warmup" not in given:
        chosen["warmup"] = min(chosen["warmup"], chosen["steps"] // 10)
    return Settings(recipe=recipe, data=data, **chosen)


def _unused(name: str, recipe: str, data: str) -> str:
    """Why a run would not look at an option, or nothing where it does."""
    if name == "mask_ratio" and (recipe not in MASKED or recipe == "ijepa"):
        return f"{recipe} hides no share of the patches" if recipe not in MASKED else "ijepa hides four blocks"
    if name in ("d_hidden", "dim") and recipe in MASKED:
        return f"{recipe} has no projector"
    if name == "side" and data in (*SMALL, *LARGE):
        return f"the images of {data} have a size of their own"
    return ""


def _defaults(recipe: str, data: str) -> dict[str, Any]:
    reads_tokens = recipe in MASKED and recipe != "context_encoder"
    if data not in SMALL:
        return VIT if reads_tokens else RESNET
    if recipe == "dino":
        return TINY | {"lr": 3e-3}
    return TINY_VIT if reads_tokens else TINY
