"""The loop that every method shares."""

from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch.utils.data import Dataset

from replearn.training.batches import batches
from replearn.training.checkpoint import load_checkpoint, save_checkpoint
from replearn.training.method import Method, describe
from replearn.training.progress import History, LossLog
from replearn.training.schedules import warmup_cosine
from replearn.training.seed import seeded
from replearn.validate import check_finite, check_integer, check_positive


def pretrain(
    method,
    images,
    *,
    steps,
    batch_size=128,
    lr=5e-3,
    warmup=20,
    weight_decay=1e-4,
    optimizer=torch.optim.AdamW,
    clip=None,
    seed=0,
    monitor=None,
    log_every=10,
    checkpoint=None,
    checkpoint_every=100,
    resume=False,
    fabric=None,
    workers=2,
):
    """Train a method on images: draw a batch, make its views on the device, descend, repeat.

    Each step draws ``batch_size`` images with replacement, makes their views in one batch, and takes one step of the
    optimizer at the learning rate ``warmup_cosine(step, steps, warmup, lr)``. Images and views are drawn from a
    generator of the run's own and the global generators are put back afterwards, so equal seeds give equal runs.

    Parameters
    ----------
    method : Method
        What is trained, in place.
    images : torch.Tensor or torch.utils.data.Dataset
        The data set (N, ...), in the type that the method expects; it stays on its device, where the run takes place.
        What does not fit there is a Dataset of image tensors of one shape (or of tuples that begin with one), read
        while the run goes; give a ``fabric`` to train on another device than the CPU.
    steps, batch_size : int
        Number of steps, and images in each (over all processes).
    lr, weight_decay : float
        Peak learning rate, and decay of everything that has more than one dimension.
    warmup : int
        Steps of linear warm-up, fewer than ``steps``.
    optimizer : callable
        ``optimizer(param_groups, lr=...)``, for example ``partial(torch.optim.SGD, momentum=0.9)``.
    clip : float, optional
        Largest norm of the gradient of all parameters together: a longer one is shortened to it.
    seed : int
        Seed of the run. What the method's networks start from was decided when they were made.
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

    Returns
    -------
    History
        ``loss`` and ``lr``, one entry a step; ``interrupted`` after Ctrl-C or the notebook's stop button, when the
        method keeps what it learnt so far.

    Raises
    ------
    ValueError
        If an argument is out of its range, the images are not finite, or the checkpoint belongs to another run.
    FileNotFoundError
        If the folder of the checkpoint does not exist.
    NonFiniteLossError
        If the loss, or a weight that was about to be saved, is NaN or infinite; it names the step, the learning rate
        and the last good checkpoint, which stays on disk.

    Notes
    -----
    Source: "A Cookbook of Self-Supervised Learning" (Balestriero et al., 2023), the cook's guide.
    """
    fabric = fabric or _fabric_of(images)
    counts = {"steps": steps, "log_every": log_every, "checkpoint_every": checkpoint_every}
    _check_objects(method, images)
    _check_numbers(lr, clip, batch_size, fabric.world_size, workers, **counts)
    _check_file(checkpoint, resume)
    precision = fabric.strategy.precision
    config = {
        "method": repr(method),
        "images": _describe_images(images),
        "steps": steps,
        "batch_size": batch_size,
        "lr": lr,
        "warmup": warmup,
        "weight_decay": weight_decay,
        "optimizer": describe(optimizer),
        "clip": clip,
        "seed": seed,
        "processes": fabric.world_size,
        "device": fabric.device.type,
        "precision": precision.precision,
    }
    with seeded(seed + fabric.global_rank):
        model, optim = fabric.setup(method.train(), optimizer(method.param_groups(weight_decay), lr=lr))
        images = images.to(fabric.device) if isinstance(images, torch.Tensor) else images
        history, share = History(), batch_size // fabric.world_size
        generator = torch.Generator(fabric.device).manual_seed(seed + fabric.global_rank)
        parts = {"method": method, "optimizer": optim, "precision": precision, "draws": generator, "history": history}
        start = load_checkpoint(checkpoint, parts, config=config) if resume and Path(checkpoint).exists() else 0
        log = LossLog(history, fabric, steps, batch_size, log_every, saved=start)
        drawn = batches(
            images, share, generator=generator, seed=seed + fabric.global_rank, start=start, steps=steps,
            workers=workers,
        )  # fmt: skip
        try:
            for step, (pool, index) in enumerate(drawn, start):
                method.progress = step / steps
                for group in optim.param_groups:
                    group["lr"] = warmup_cosine(step, steps, warmup, lr) * group.get("lr_scale", 1.0)
                out = model(method.views(pool, index, generator))
                fabric.backward(out["loss"])
                if clip is not None:
                    fabric.clip_gradients(model, optim, max_norm=clip, error_if_nonfinite=False)
                optim.step()
                optim.zero_grad()
                method.after_step()
                log.add(out["loss"], optim.param_groups[0]["lr"])
                if monitor and step % log_every == 0:
                    monitor(step, out)
                if checkpoint and ((step + 1) % checkpoint_every == 0 or step + 1 == steps):
                    log.check(method)
                    save_checkpoint(checkpoint, parts, step=step + 1, config=config)
                    log.saved = step + 1
        except KeyboardInterrupt:
            history.interrupted = True
        finally:
            drawn.close()
            log.close()
    return history


def _fabric_of(images):
    """One process on the device of the images, which leaves every tensor in the type it has."""
    device = images.device if isinstance(images, torch.Tensor) else torch.device("cpu")
    return Fabric(accelerator=device.type, devices=1 if device.index is None else [device.index])


def _describe_images(images):
    if isinstance(images, torch.Tensor):
        return [str(images.dtype), *images.shape]
    return [type(images).__name__, len(images)]


def _check_objects(method, images):
    if not isinstance(method, Method):
        raise ValueError(f"method must be a replearn.training.Method, but is a {type(method).__name__}")
    if isinstance(images, torch.Tensor):
        check_finite("images", images)
    elif not isinstance(images, Dataset) or len(images) == 0:
        raise ValueError(f"images must be a tensor or a torch Dataset with items, but are {type(images).__name__}")


def _check_numbers(lr, clip, batch_size, processes, workers, **counts):
    check_positive("lr", lr)
    if clip is not None:
        check_positive("clip", clip)
    check_integer("batch_size", batch_size, 2)
    check_integer("workers", workers, 0)
    for name, value in counts.items():
        check_integer(name, value, 1)
    if batch_size % processes:
        raise ValueError(f"batch_size must be a multiple of the {processes} processes, but is {batch_size}")


def _check_file(checkpoint, resume):
    if resume and not checkpoint:
        raise ValueError("resume=True needs the file to resume from: pass checkpoint=")
    if checkpoint and not Path(checkpoint).parent.is_dir():
        raise FileNotFoundError(f"the folder {Path(checkpoint).parent} of the checkpoint does not exist; make it first")
