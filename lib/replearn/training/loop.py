"""The loop that every method shares."""

from collections.abc import Callable
from dataclasses import asdict
from os import PathLike
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset

from replearn.training.batches import batches, item_count
from replearn.training.checkpoint import CheckpointFile
from replearn.training.interruption import StopAtStep
from replearn.training.method import Method, describe
from replearn.training.progress import History, LossLog
from replearn.training.schedules import warmup_cosine
from replearn.training.seed import seeded
from replearn.training.settings import LoopSettings
from replearn.validate import check_finite, check_integer

if TYPE_CHECKING:  # slow to import, and needed only once a run starts
    from lightning_fabric import Fabric


def pretrain(
    method: Method,
    images: torch.Tensor | Dataset,
    *,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW,
    schedule: Callable[[int, int, int, float], float] = warmup_cosine,
    monitor: Callable[[int, dict], Any] | None = None,
    log_every: int = 10,
    checkpoint: str | PathLike | None = None,
    checkpoint_every: int = 100,
    resume: bool = False,
    fabric: "Fabric | None" = None,
    workers: int = 2,
    **settings: Any,
) -> History:
    """Train a method on images: draw a batch, make its views on the device, descend, repeat.

    Each step draws ``batch_size`` images with replacement, makes their views in one batch, and takes one step of the
    optimizer at the learning rate ``schedule(step, steps, warmup, lr)``. Images and views are drawn from a generator of
    the run's own and the global generators are put back afterwards, so equal seeds give equal runs.

    Parameters
    ----------
    method : Method
        What is trained, in place.
    images : torch.Tensor or torch.utils.data.Dataset
        The data set (N, ...), in the type that the method expects; it stays on its device, where the run takes place.
        What does not fit there is a Dataset of image tensors of one shape (or of tuples that begin with one), read
        while the run goes; give a ``fabric`` to train on another device than the CPU.
    optimizer : callable
        ``optimizer(param_groups, lr=...)``, for example ``partial(torch.optim.SGD, momentum=0.9)``.
    schedule : callable
        ``schedule(step, steps, warmup, lr)``, the learning rate of a step.
    monitor : callable, optional
        ``monitor(step, out)`` every ``log_every`` steps, with what the method's step returned.
    log_every : int
        Steps between two readings of the loss, which make the device wait.
    checkpoint : path-like, optional
        File that is replaced every ``checkpoint_every`` steps and at the end.
    resume : bool
        Go on from ``checkpoint`` where that file exists: the result is bit for bit that of an uninterrupted run.
    fabric : lightning_fabric.Fabric, optional
        Another precision, device or several processes; it must have been launched.
    workers : int
        Processes that read a Dataset ahead; 0 reads in this one.
    **settings
        ``steps``, and ``batch_size=128, lr=5e-3, warmup=20, weight_decay=1e-4, clip=None, seed=0``: see
        :class:`LoopSettings`.

    Returns
    -------
    History
        ``loss`` and ``lr``, one entry a step; ``interrupted`` after Ctrl-C or the notebook's stop button: the run
        ends after the step it is in, with a checkpoint where one was asked for, and the method keeps what it learnt.

    Raises
    ------
    NonFiniteLossError
        If the loss, or a weight that was about to be saved, is NaN or infinite; it names the step, the learning rate
        and the last good checkpoint, which stays on disk.
    ValueError
        If the checkpoint belongs to another run, or an argument is out of its range.

    References
    ----------
    Balestriero et al. 2023, "A Cookbook of Self-Supervised Learning", the cook's guide.

    Examples
    --------
    >>> from replearn import data, losses, methods, recipes, training
    >>> images = data.load("digits").images
    >>> method = methods.method("simclr", recipes.tiny_encoder()[0], data.GaussianNoise(0.1))
    >>> history = training.pretrain(method, images, steps=5, warmup=1, batch_size=32)
    >>> len(history.loss), history.interrupted
    (5, False)
    """
    settings = LoopSettings(**settings)
    fabric = fabric or _fabric_of(images)
    _check(method, images, settings.batch_size, fabric.world_size, log_every, workers)
    config = _config(method, images, settings, optimizer, schedule, fabric)
    file = CheckpointFile(checkpoint, checkpoint_every, config, resume=resume)
    seed = settings.seed + fabric.global_rank
    with seeded(seed), StopAtStep(in_one_process=fabric.world_size == 1) as stop:
        groups = method.train().param_groups(settings.weight_decay)
        model, optim = fabric.setup(method, optimizer(groups, lr=settings.lr))
        images = images.to(fabric.device) if isinstance(images, torch.Tensor) else images
        draws, history = torch.Generator(fabric.device).manual_seed(seed), History()
        precision = fabric.strategy.precision
        start = file.open(method=method, optimizer=optim, precision=precision, draws=draws, history=history)
        log = LossLog(history, fabric, settings, log_every, file)
        per_process = settings.batch_size // fabric.world_size
        drawn = batches(
            images, per_process, generator=draws, seed=seed, start=start, steps=settings.steps, workers=workers
        )
        try:
            for step, (pool, index) in enumerate(drawn, start):
                method.progress = step / settings.steps
                lr = schedule(step, settings.steps, settings.warmup, settings.lr)
                for group in optim.param_groups:
                    group["lr"] = lr * group.get("lr_scale", 1.0)
                out = model(method.views(pool, index, draws))
                fabric.backward(out["loss"])
                if settings.clip is not None:
                    fabric.clip_gradients(model, optim, max_norm=settings.clip, error_if_nonfinite=False)
                optim.step()
                optim.zero_grad()
                method.after_step()
                log.add(out["loss"], lr)
                if monitor and step % log_every == 0:
                    monitor(step, out)
                if file.is_due(step + 1, settings.steps) or stop.asked:
                    log.check(method)
                    file.save(step + 1)
                if stop.asked:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            history.interrupted = True
        finally:
            drawn.close()
            log.close()
    return history


def _config(
    method: Method,
    images: torch.Tensor | Dataset,
    settings: LoopSettings,
    optimizer: Callable,
    schedule: Callable,
    fabric: "Fabric",
) -> dict[str, Any]:
    """What must be as it was when a run is resumed."""
    return asdict(settings) | {
        "method": repr(method),
        "images": _describe_images(images),
        "optimizer": describe(optimizer),
        "schedule": describe(schedule),
        "processes": fabric.world_size,
        "device": fabric.device.type,
        "precision": fabric.strategy.precision.precision,
    }


def _fabric_of(images: torch.Tensor | Dataset) -> "Fabric":
    """One process on the device of the images, which leaves every tensor in the type it has."""
    from lightning_fabric import Fabric

    device = images.device if isinstance(images, torch.Tensor) else torch.device("cpu")
    return Fabric(accelerator=device.type, devices=1 if device.index is None else [device.index])


def _describe_images(images: torch.Tensor | Dataset) -> list:
    if isinstance(images, torch.Tensor):
        return [str(images.dtype), *images.shape]
    return [type(images).__name__, item_count(images)]


def _check(method: Any, images: Any, batch_size: int, processes: int, log_every: int, workers: int) -> None:
    if not isinstance(method, Method):
        raise ValueError(f"method must be a replearn.training.Method, but is a {type(method).__name__}")
    if isinstance(images, torch.Tensor):
        check_finite("images", images)
    elif not isinstance(images, Dataset) or item_count(images) == 0:
        raise ValueError(f"images must be a tensor or a torch Dataset with items, but are {type(images).__name__}")
    check_integer("log_every", log_every, 1)
    check_integer("workers", workers, 0)
    if batch_size % processes:
        raise ValueError(f"batch_size must be a multiple of the {processes} processes, but is {batch_size}")
