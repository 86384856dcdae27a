"""A recipe outside the notebook: ``python -m replearn.training.run vicreg --data cifar10``, or ``cookbook train``."""

import argparse
import csv
import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from torch import nn

from replearn import evaluation
from replearn.data import (
    ColorJitter,
    Compose,
    Dataset,
    Normalise,
    RandomAffineCrop,
    RandomGrayscale,
    load,
    standardise,
)
from replearn.models import ResNet, TinyConv
from replearn.training.families import FAMILIES, family
from replearn.training.loop import pretrain
from replearn.training.optimisers import LARS
from replearn.training.progress import History, NonFiniteLossError
from replearn.training.recipes import CROP_ROT, features, tiny_mnist
from replearn.training.seed import seeded

LARGE = ("cifar10", "cifar100", "stl10", "stl10_unlabeled", "imagenette")
DATA = ("mnist_10k", "digits", "photos", *LARGE)
OPTIMISERS = {"adamw": torch.optim.AdamW, "lars": partial(LARS, eta=0.02)}


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
    optimiser: str
    d_hidden: int
    d_out: int
    seed: int


class Run(NamedTuple):
    """A run that was loaded: what was asked, the trained networks in evaluation mode, and the curves."""

    settings: Settings
    encoder: nn.Module
    projector: nn.Module
    history: History


def settings_for(recipe, data, **given):
    """The defaults for a data set, with what is given (and not None) in their place.

    Small images (``mnist_10k``, ``digits``, ``photos``) take the tiny recipe of part 1; the downloaded data sets a
    ResNet-18, LARS, batches of 256, and 100 epochs.
    """
    for name, value, known in (("recipe", recipe, FAMILIES), ("data", data, DATA)):
        if value not in known:
            raise ValueError(f"there is no {name} {value!r}; known are {', '.join(known)}")
    chosen = {name: value for name, value in given.items() if value is not None}
    if data in LARGE:
        defaults = {"encoder": "resnet18", "steps": 19_500, "batch_size": 256, "lr": 0.3, "warmup": 1950,
                    "weight_decay": 1e-4, "optimiser": "lars", "d_hidden": 2048, "d_out": 256}  # fmt: skip
    else:
        defaults = {"encoder": "tiny", "steps": 200, "batch_size": 128, "lr": 3e-3 if recipe == "dino" else 5e-3,
                    "warmup": 20, "weight_decay": 1e-4, "optimiser": "adamw", "d_hidden": 128, "d_out": 64}  # fmt: skip
    settings = defaults | {"seed": 0} | chosen
    if "warmup" not in chosen:
        settings["warmup"] = min(settings["warmup"], settings["steps"] // 10)
    return Settings(recipe, data, **settings)


def images_and_views(name):
    """The data set as the run takes it, and the augmentation of its images."""
    if name == "mnist_10k":
        tiny = tiny_mnist()
        images, labels = torch.cat([tiny.x_train, tiny.x_test]), torch.cat([tiny.y_train, tiny.y_test])
        return Dataset(images, labels, tuple("0123456789"), len(tiny.x_train)), CROP_ROT
    data = load(name)
    if name not in LARGE:
        return data._replace(images=standardise(data.images)), RandomAffineCrop(degrees=0.0, hflip=name == "photos")
    crop = RandomAffineCrop(scale=(0.2, 1.0), degrees=0.0, hflip=True)
    return data, Compose(crop, ColorJitter(0.4, 0.4, 0.2, 0.1), RandomGrayscale(0.2), _normalise(data))


def make_method(settings, data, augment):
    """The recipe's method on a fresh encoder, which the seed alone decides."""
    channels = data.images.shape[1]
    with seeded(settings.seed):
        if settings.encoder == "tiny":
            encoder = TinyConv(16, channels)
        else:
            small = min(data.images.shape[2:]) <= 64
            encoder = ResNet(int(settings.encoder.removeprefix("resnet")), in_channels=channels, small_images=small)
    sizes = {"d_hidden": settings.d_hidden, "d_out": settings.d_out}
    return family(settings.recipe, encoder, augment, seed=settings.seed, **sizes)


def run(settings, folder, *, fabric, checkpoint_every=100, restart=False):
    """Train, or go on from the folder's checkpoint; the first process leaves settings, curves and scores there.

    Returns
    -------
    dict
        ``interrupted``, the number of ``steps`` done, the last ``loss``, and, at the end of a run on labelled data, the
        accuracies ``knn`` and ``ridge``.
    """
    folder = Path(folder)
    if fabric.is_global_zero:
        folder.mkdir(parents=True, exist_ok=True)
        if restart:
            (folder / "checkpoint.pt").unlink(missing_ok=True)
    fabric.barrier()
    data, augment = images_and_views(settings.data)
    method = make_method(settings, data, augment)
    if fabric.device.type == "cuda":
        method = method.to(memory_format=torch.channels_last)
        method = nn.SyncBatchNorm.convert_sync_batchnorm(method) if fabric.world_size > 1 else method
    history = pretrain(
        method, data.train[0], fabric=fabric, checkpoint=folder / "checkpoint.pt", checkpoint_every=checkpoint_every,
        resume=True, optimiser=OPTIMISERS[settings.optimiser], steps=settings.steps, batch_size=settings.batch_size,
        lr=settings.lr, warmup=settings.warmup, weight_decay=settings.weight_decay, seed=settings.seed,
    )  # fmt: skip
    loss = history.loss[-1] if history.loss else None
    result = {"interrupted": history.interrupted, "steps": len(history.loss), "loss": loss}
    if fabric.is_global_zero:
        if not history.interrupted:
            result |= score(method.encoder, data, fabric.device)
        _write(folder, settings, history, result)
    return result


def score(encoder, data, device):
    """Accuracies of probes on frozen features, taken before the projector; none where nothing is labelled."""
    if data.n_train == len(data.labels):
        return {}
    network = nn.Sequential(_Prepare(data), encoder).to(device)
    z_train, z_test = (features(network, x.to(device)) for x in (data.train[0], data.test[0]))
    labelled = z_train, data.train[1], z_test, data.test[1]
    return {"knn": evaluation.knn_probe(*labelled), "ridge": evaluation.ridge_probe(*labelled)}


def load_run(folder):
    """Load what ``run`` left in a folder, on the CPU.

    Raises
    ------
    FileNotFoundError
        If the folder holds no run.
    """
    folder = Path(folder)
    if not (folder / "settings.json").is_file() or not (folder / "checkpoint.pt").is_file():
        raise FileNotFoundError(f"{folder} holds no run: `cookbook train` leaves settings.json and checkpoint.pt there")
    settings = Settings(**json.loads((folder / "settings.json").read_text("utf-8")))
    method = make_method(settings, *images_and_views(settings.data))
    parts = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)["parts"]
    method.load_state_dict(parts["method"])
    history = History()
    history.load_state_dict(parts["history"])
    return Run(settings, method.encoder.eval(), method.projector.eval(), history)


class _Prepare(nn.Module):
    """Normalise images that were stored as bytes; the others are standardised already."""

    def __init__(self, data):
        super().__init__()
        self.change = _normalise(data) if data.images.dtype == torch.uint8 else Compose()

    def forward(self, x):
        return self.change(x, None)


def _normalise(data, sample=5000):
    pixels = data.images[: min(sample, data.n_train)].float() / 255
    return Normalise(tuple(pixels.mean((0, 2, 3)).tolist()), tuple(pixels.std((0, 2, 3)).tolist()))


def _write(folder, settings, history, result):
    (folder / "settings.json").write_text(json.dumps(asdict(settings), indent=2), "utf-8")
    (folder / "result.json").write_text(json.dumps(result, indent=2), "utf-8")
    with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "lr"])
        writer.writerows(zip(range(len(history.loss)), history.loss, history.lr, strict=True))


def arguments(words):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="replearn.training.run", description=__doc__)
    parser.add_argument("recipe", help=", ".join(FAMILIES))
    parser.add_argument("--data", default="mnist_10k", help=", ".join(DATA))
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint, curves and scores")
    parser.add_argument("--encoder", choices=("tiny", "resnet18", "resnet34", "resnet50"))
    parser.add_argument("--optimiser", choices=tuple(OPTIMISERS))
    for name in ("steps", "batch-size", "warmup", "d-hidden", "d-out", "seed"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("lr", "weight-decay"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", default="auto", help="number of devices, or auto: all of them (one CPU process)")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--precision", default="32-true", help="32-true, bf16-mixed, 16-mixed, ... (Lightning Fabric)")
    parser.add_argument("--checkpoint-every", type=int, default=100, help="steps")
    parser.add_argument("--restart", action="store_true", help="begin anew although there is a checkpoint")
    return parser.parse_args(words)


def main(words=None):
    """Run from the command line; what is wrong is said in a sentence."""
    given = vars(arguments(words))
    folder, restart, every = (given.pop(name) for name in ("out", "restart", "checkpoint_every"))
    devices = given.pop("devices")
    fabric = Fabric(
        accelerator=given.pop("accelerator"), devices=devices if devices == "auto" else int(devices),
        num_nodes=given.pop("nodes"), precision=given.pop("precision"), strategy="auto",
    )  # fmt: skip
    try:
        settings = settings_for(given.pop("recipe"), given.pop("data"), **given)
        fabric.launch()
        result = run(settings, folder, fabric=fabric, checkpoint_every=every, restart=restart)
    except (ValueError, FileNotFoundError, NonFiniteLossError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    if fabric.is_global_zero:
        shown = ", ".join(f"{name} {value}" for name, value in result.items())
        print(f"{shown}\n{folder}: settings.json, checkpoint.pt, metrics.csv, result.json")


if __name__ == "__main__":
    main()
