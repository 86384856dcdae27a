"""A run outside the notebook: train by settings, leave everything in a folder, and load it again."""

import csv
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from replearn import evaluation
from replearn.data import Compose
from replearn.methods.named import MASKED, method
from replearn.models import ResNet, TinyConv, TinyViT
from replearn.runs.run_data import SMALL, Prepare, embed, open_data
from replearn.runs.settings import Settings
from replearn.training.loop import pretrain
from replearn.training.optimizers import LARS
from replearn.training.progress import History
from replearn.training.seed import seeded

OPTIMIZERS = {"adamw": torch.optim.AdamW, "lars": partial(LARS, eta=0.02)}


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


def make_method(settings, shape, views, crop):
    """The recipe's method on a fresh encoder, which the seed alone decides."""
    small = settings.data in SMALL
    with seeded(settings.seed):
        encoder = make_encoder(settings.encoder, shape, small=small)
    return method(
        settings.recipe, encoder, crop if settings.recipe in MASKED else views, shape=shape,
        ratio=settings.mask_ratio, d_hidden=settings.d_hidden, dim=settings.dim, micro_batches=settings.micro_batches,
        seed=settings.seed,
    )  # fmt: skip


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
    data = open_data(settings.data, side=settings.side, full_size=settings.encoder == "vit")
    learner = place(make_method(settings, data.shape, data.views, data.crop), fabric, compiled)
    history = pretrain(
        learner, data.images, fabric=fabric, checkpoint=folder / "checkpoint.pt", checkpoint_every=checkpoint_every,
        resume=True, optimizer=OPTIMIZERS[settings.optimizer], steps=settings.steps, batch_size=settings.batch_size,
        lr=settings.lr, warmup=settings.warmup, weight_decay=settings.weight_decay, clip=settings.clip,
        seed=settings.seed, workers=workers,
    )  # fmt: skip
    loss = history.loss[-1] if history.loss else None
    result = {"interrupted": history.interrupted, "steps": len(history.loss), "loss": loss}
    if fabric.is_global_zero:
        if not history.interrupted:
            result |= score(nn.Sequential(data.prepare, learner.encoder), data.parts, fabric.device)
        _write(folder, settings, data, history, result)
    return result


def place(method, fabric, compiled):
    """The method as its device wants it: channels last and synchronised BatchNorm on GPUs, compiled where asked."""
    if fabric.device.type == "cuda":
        method = method.to(memory_format=torch.channels_last)
        method = nn.SyncBatchNorm.convert_sync_batchnorm(method) if fabric.world_size > 1 else method
    if compiled:
        for part in method.children():
            part.compile()
    return method


def score(network, parts, device):
    """Accuracies of probes on frozen features of labelled data (see ``RunData.parts``); none where there is none."""
    if not parts:
        return {}
    network = network.to(device)
    (z_train, y_train), (z_test, y_test) = (embed(network, part, device) for part in parts)
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
    method = make_method(settings, tuple(images["shape"]), Compose(), Compose())
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
