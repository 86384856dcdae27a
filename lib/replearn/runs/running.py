"""A run outside the notebook: train by settings, score what was learnt, and leave everything in a folder."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from replearn.evaluation import knn_probe, ridge_probe
from replearn.runs.building import make_method
from replearn.runs.run_data import Part, embed, open_data
from replearn.runs.run_folder import CHECKPOINT, locked, write_run
from replearn.runs.settings import Settings
from replearn.training.loop import pretrain
from replearn.training.method import Method
from replearn.training.optimizers import LARS

MAKE_OPTIMIZER: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "lars": partial(LARS, eta=0.02),
}


def run(
    settings: Settings,
    folder: str | Path,
    *,
    fabric: Fabric,
    checkpoint_every: int = 100,
    restart: bool = False,
    workers: int = 2,
    compiled: bool = False,
) -> dict[str, Any]:
    """Train, or go on from the folder's checkpoint; the first process leaves settings, curves and scores there.

    Parameters
    ----------
    settings : Settings
        What is asked (see ``settings_for``).
    folder : path-like
        Where the run goes; it is made.
    fabric : lightning_fabric.Fabric
        Device, precision and processes; it must have been launched.
    checkpoint_every, workers
        As in ``replearn.training.pretrain``.
    restart : bool
        Begin anew although there is a checkpoint.
    compiled : bool
        Whether networks are compiled.

    Raises
    ------
    ValueError
        If another run uses the folder, or its checkpoint is damaged or belongs to another run.

    Returns
    -------
    dict
        ``interrupted``, the number of ``steps`` done, the last ``loss``, and, at the end of a run on labelled data, the
        accuracies ``knn`` and ``ridge``.
    """
    folder = Path(folder)
    with locked(folder) if fabric.is_global_zero else nullcontext():
        if restart and fabric.is_global_zero:
            (folder / CHECKPOINT).unlink(missing_ok=True)
        fabric.barrier()
        return _run(settings, folder, fabric, checkpoint_every, workers, compiled)


def _run(
    settings: Settings, folder: Path, fabric: Fabric, checkpoint_every: int, workers: int, compiled: bool
) -> dict[str, Any]:
    data = open_data(settings.data, side=settings.side, full_size=settings.encoder == "vit")
    method = place(make_method(settings, data.shape, data.views, data.crop), fabric, compiled)
    history = pretrain(
        method,
        data.images,
        optimizer=MAKE_OPTIMIZER[settings.optimizer],
        checkpoint=folder / CHECKPOINT,
        checkpoint_every=checkpoint_every,
        resume=True,
        fabric=fabric,
        workers=workers,
        **settings.of_loop(),
    )
    loss = history.loss[-1] if history.loss else None
    result = {"interrupted": history.interrupted, "steps": len(history.loss), "loss": loss}
    if fabric.is_global_zero:
        if not history.interrupted:
            result |= score(nn.Sequential(data.prepare, method.encoder), data.parts, fabric.device)
        write_run(folder, settings, data, history, result)
    return result


def place(method: Method, fabric: Fabric, compiled: bool) -> Method:
    """Put a method as its device wants it: channels last and synchronized BatchNorm on GPUs, compiled where asked."""
    if fabric.device.type == "cuda":
        method = method.to(memory_format=torch.channels_last)
        method = nn.SyncBatchNorm.convert_sync_batchnorm(method) if fabric.world_size > 1 else method
    if compiled:
        for part in method.children():
            part.compile()
    return method


def score(network: nn.Module, parts: tuple[Part, ...], device: torch.device) -> dict[str, float]:
    """Score frozen features of labelled data by probes (see ``RunData.parts``); nothing where there is none."""
    if not parts:
        return {}
    network = network.to(device)
    (z_train, y_train), (z_test, y_test) = (embed(network, part, device) for part in parts)
    return {
        "knn": float(knn_probe(z_train, y_train, z_test, y_test, k=min(20, len(z_train)))),
        "ridge": float(ridge_probe(z_train, y_train, z_test, y_test)),
    }
