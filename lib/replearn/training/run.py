"""A recipe outside the notebook: ``python -m replearn.training.run vicreg --data cifar10``, or ``cookbook train``."""

import argparse
import csv
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from torch import nn

from replearn import evaluation
from replearn.models import ResNet, TinyConv, TinyViT
from replearn.training.families import MASKED, family, masked_family
from replearn.training.loop import pretrain
from replearn.training.optimisers import LARS
from replearn.training.progress import History, NonFiniteLossError
from replearn.training.seed import seeded
from replearn.training.settings import ENCODERS, RECIPES, Settings, settings_for
from replearn.training.sources import LARGE, SMALL, Prepare, embedded, source

OPTIMISERS = {"adamw": torch.optim.AdamW, "lars": partial(LARS, eta=0.02)}


class Run(NamedTuple):
    """A run that was loaded: what was asked, the trained networks in evaluation mode, and the curves.

    ``prepare`` goes before the encoder: it takes images as ``replearn.data.load`` gives them, where those are bytes.
    Masked families have no ``projector``: there it leaves features as they are.
    """

    settings: Settings
    prepare: nn.Module
    encoder: nn.Module
    projector: nn.Module
    history: History


def make_encoder(name, shape, *, small):
    """An encoder of images (C, H, W) by its name; where not ``small``, a transformer is a ViT-Tiny."""
    channels, *sides = shape
    if name == "tiny":
        return TinyConv(16, channels)
    if name == "vit":
        sizes = {} if small else {"dim": 192, "depth": 12, "heads": 3, "mlp_ratio": 4.0}
        patch = min(sides) // (4 if small else 8) if min(sides) <= 64 else 16
        return TinyViT(tuple(sides), patch, in_channels=channels, **sizes)
    return ResNet(int(name.removeprefix("resnet")), in_channels=channels, small_images=min(sides) <= 64)


def make_method(settings, shape, views=None, crop=None):
    """The recipe's method on a fresh encoder, which the seed alone decides."""
    small = settings.data in SMALL
    with seeded(settings.seed):
        encoder = make_encoder(settings.encoder, shape, small=small)
    if settings.recipe in MASKED:
        if settings.micro_batches != 1:
            raise ValueError(
                f"micro_batches is for losses of whole batches; {settings.recipe} needs a smaller batch_size"
            )
        ratio, seed = settings.mask_ratio, settings.seed
        return masked_family(settings.recipe, encoder, shape, augment=crop, ratio=ratio, seed=seed)
    names = ("d_hidden", "d_out", "micro_batches", "seed")
    return family(settings.recipe, encoder, views, **{name: getattr(settings, name) for name in names})


def run(settings, folder, *, fabric, checkpoint_every=100, restart=False, workers=2, compiled=False):
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
    data = source(settings.data, side=settings.side, full_size=settings.encoder == "vit")
    method = placed(make_method(settings, data.shape, data.views, data.crop), fabric, compiled)
    history = pretrain(
        method, data.images, fabric=fabric, checkpoint=folder / "checkpoint.pt", checkpoint_every=checkpoint_every,
        resume=True, optimiser=OPTIMISERS[settings.optimiser], steps=settings.steps, batch_size=settings.batch_size,
        lr=settings.lr, warmup=settings.warmup, weight_decay=settings.weight_decay, clip=settings.clip,
        seed=settings.seed, workers=workers,
    )  # fmt: skip
    loss = history.loss[-1] if history.loss else None
    result = {"interrupted": history.interrupted, "steps": len(history.loss), "loss": loss}
    if fabric.is_global_zero:
        if not history.interrupted:
            result |= score(nn.Sequential(data.prepare, method.encoder), data.parts, fabric.device)
        _write(folder, settings, data, history, result)
    return result


def placed(method, fabric, compiled):
    """The method as its device wants it: channels last and synchronised BatchNorm on GPUs, compiled where asked."""
    if fabric.device.type == "cuda":
        method = method.to(memory_format=torch.channels_last)
        method = nn.SyncBatchNorm.convert_sync_batchnorm(method) if fabric.world_size > 1 else method
    if compiled:
        for part in method.children():
            part.compile()
    return method


def score(network, parts, device):
    """Accuracies of probes on frozen features of labelled data (see ``Source.parts``); none where there is none."""
    if not parts:
        return {}
    network = network.to(device)
    (z_train, y_train), (z_test, y_test) = (embedded(network, part, device) for part in parts)
    labelled = z_train, y_train, z_test, y_test
    neighbours = min(20, len(z_train))
    return {"knn": evaluation.knn_probe(*labelled, k=neighbours), "ridge": evaluation.ridge_probe(*labelled)}


def load_run(folder):
    """Load what ``run`` left in a folder, on the CPU; the data set is not needed.

    Raises
    ------
    FileNotFoundError
        If the folder holds no run.
    """
    folder = Path(folder)
    missing = [name for name in ("settings.json", "images.json", "checkpoint.pt") if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder} holds no run of `cookbook train`: there is no {', '.join(missing)}")
    settings = Settings(**json.loads((folder / "settings.json").read_text("utf-8")))
    images = json.loads((folder / "images.json").read_text("utf-8"))
    method = make_method(settings, tuple(images["shape"]))
    parts = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)["parts"]
    method.load_state_dict(parts["method"])
    history = History()
    history.load_state_dict(parts["history"])
    projector = getattr(method, "projector", nn.Identity())
    return Run(settings, Prepare(images["mean"], images["std"]), method.encoder.eval(), projector.eval(), history)


def _write(folder, settings, data, history, result):
    images = {"shape": data.shape, "mean": data.prepare.mean, "std": data.prepare.std}
    for name, content in {"settings": asdict(settings), "images": images, "result": result}.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2), "utf-8")
    with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "lr"])
        writer.writerows(zip(range(len(history.loss)), history.loss, history.lr, strict=True))


def arguments(words):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="replearn.training.run", description=__doc__)
    parser.add_argument("recipe", help=", ".join(RECIPES))
    known = f"{', '.join((*SMALL, *LARGE))}, or a folder that holds train/CLASS/*.jpg (and val/CLASS/*.jpg)"
    parser.add_argument("--data", default="mnist_10k", help=known)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint, curves and scores")
    parser.add_argument("--encoder", choices=ENCODERS)
    parser.add_argument("--optimiser", choices=tuple(OPTIMISERS))
    for name in ("steps", "batch-size", "warmup", "d-hidden", "d-out", "seed"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("lr", "weight-decay"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--mask-ratio", type=float, help="share of the patches that masked families hide")
    parser.add_argument("--micro-batches", type=int, help="parts of a batch that is too large for the memory")
    parser.add_argument("--clip", type=float, help="largest norm of the gradient")
    parser.add_argument("--side", type=int, help="height and width of a folder's images")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", default="auto", help="number of devices, or auto: all of them (one CPU process)")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--precision", default="32-true", help="32-true, bf16-mixed, 16-mixed, ... (Lightning Fabric)")
    parser.add_argument("--checkpoint-every", type=int, default=100, help="steps")
    parser.add_argument("--workers", type=int, default=2, help="processes that read a folder's images")
    parser.add_argument("--compile", action="store_true", dest="compiled", help="compile the networks (torch.compile)")
    parser.add_argument("--restart", action="store_true", help="begin anew although there is a checkpoint")
    return parser.parse_args(words)


def main(words=None):
    """Run from the command line; what is wrong is said in a sentence."""
    given = vars(arguments(words))
    folder = given.pop("out")
    how = {name: given.pop(name) for name in ("checkpoint_every", "restart", "workers", "compiled")}
    devices = given.pop("devices")
    fabric = Fabric(
        accelerator=given.pop("accelerator"), devices=devices if devices == "auto" else int(devices),
        num_nodes=given.pop("nodes"), precision=given.pop("precision"), strategy="auto",
    )  # fmt: skip
    try:
        settings = settings_for(given.pop("recipe"), given.pop("data"), **given)
        fabric.launch()
        result = run(settings, folder, fabric=fabric, **how)
    except (ValueError, FileNotFoundError, NonFiniteLossError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    if fabric.is_global_zero:
        shown = ", ".join(f"{name} {value}" for name, value in result.items())
        print(f"{shown}\n{folder}: settings.json, images.json, checkpoint.pt, metrics.csv, result.json")


if __name__ == "__main__":
    main()
