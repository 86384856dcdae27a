"""Checkpoints that never hold half a state, never run code when read, and resume bit for bit."""

import hashlib
import os
from pathlib import Path
from typing import Any

import torch
from torch import distributed as dist

from replearn.training.distributed import processes
from replearn.training.seed import rng_state, set_rng_state
from replearn.validate import check_integer


def save_checkpoint(path: str | os.PathLike, parts: dict[str, Any], *, step: int, config: dict[str, Any]) -> None:
    """Write everything that a run needs to go on from ``step``, atomically.

    The file is written beside ``path`` and then renamed over it, so that a reader finds the old one or the new one.
    With several processes the first one writes: its parts, which are everybody's, and the random states of each.

    Parameters
    ----------
    path : path-like
        Where the checkpoint goes; its folder must exist.
    parts : dict of str to object
        What has a state: objects with ``state_dict`` (modules, optimizers), or a ``torch.Generator``.
    step : int
        The number of steps done.
    config : dict
        What the run was asked to do, of plain Python values; ``load_checkpoint`` compares it.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.

    Examples
    --------
    >>> import tempfile
    >>> layer = torch.nn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(f"{folder}/run.pt", {"layer": layer}, step=3, config={"lr": 0.1})
    ...     load_checkpoint(f"{folder}/run.pt", {"layer": layer}, config={"lr": 0.1})
    3
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} of the checkpoint does not exist; make it first")
    draws, states = _split(parts)
    random = _of_every_process({"global": rng_state()} | {name: draw.get_state() for name, draw in draws.items()})
    if processes() == 1 or dist.get_rank() == 0:
        states = {name: part.state_dict() for name, part in states.items()}
        content = {"step": step, "config": config, "random": random, "parts": states}
        _write(path, content | {"digest": _digest(content)})
    if processes() > 1:
        dist.barrier()


def load_checkpoint(path: str | os.PathLike, parts: dict[str, Any], *, config: dict[str, Any]) -> int:
    """Put every part and every global random generator into the state of the checkpoint.

    Parameters
    ----------
    path : path-like
        A file that ``save_checkpoint`` wrote. It is read with ``weights_only=True``, so it cannot run code.
    parts : dict of str to object
        The same names as were saved; changed in place.
    config : dict
        What this run is asked to do; it must equal the saved one.

    Returns
    -------
    int
        The number of steps done.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a checkpoint, or belongs to a run with another configuration or other parts.

    Examples
    --------
    >>> load_checkpoint("nowhere.pt", {}, config={})
    Traceback (most recent call last):
    FileNotFoundError: there is no checkpoint nowhere.pt to resume from
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no checkpoint {path} to resume from")
    content = read_checkpoint(path)
    saved, random, states = content["config"], content["random"], content["parts"]
    changed = sorted(key for key in saved.keys() | config.keys() if saved.get(key) != config.get(key))
    if changed:
        detail = "; ".join(f"{key} was {saved.get(key)!r} and is now {config.get(key)!r}" for key in changed)
        raise ValueError(f"{path} belongs to another run ({detail}); use the same settings, or another checkpoint file")
    if len(random) != processes():
        raise ValueError(f"{path} was written by {len(random)} processes, but there are {processes()} now")
    draws, stateful = _split(parts)
    random = random[dist.get_rank() if processes() > 1 else 0]
    held = {*states, *random} - {"global"}
    if held != parts.keys():
        raise ValueError(f"{path} holds {sorted(held)}, but the run needs {sorted(parts)}")
    try:
        for name, part in stateful.items():
            part.load_state_dict(states[name])
    except (RuntimeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{path} does not fit this run: {reason}; use another checkpoint file") from error
    for name, draw in draws.items():
        draw.set_state(random[name])
    set_rng_state(random["global"])
    return content["step"]


def read_checkpoint(path: str | os.PathLike) -> dict[str, Any]:
    """Return what ``save_checkpoint`` wrote: ``step``, ``config``, ``random`` and ``parts``, on the CPU.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, or is not as it was written: a flipped bit, a changed step, a missing part.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        digest, held = content.pop("digest"), _digest(content)
    except Exception as error:
        raise ValueError(f"{path} is not a checkpoint of this library: {type(error).__name__}") from error
    if digest != held:
        raise ValueError(f"{path} is damaged: it is not what was written; begin anew, or restore a copy")
    return content


class CheckpointFile:
    """The checkpoint of one run: where it goes, how often, and what it holds; no file where ``path`` is None."""

    def __init__(
        self, path: str | os.PathLike | None, every: int, config: dict[str, Any], *, resume: bool = False
    ) -> None:
        check_integer("checkpoint_every", every, 1)
        if resume and not path:
            raise ValueError("resume=True needs the file to resume from: pass checkpoint=")
        if path and not Path(path).parent.is_dir():
            raise FileNotFoundError(f"the folder {Path(path).parent} of the checkpoint does not exist; make it first")
        self.path, self.every, self.config, self.resume = path, every, config, resume
        self.parts: dict[str, Any] = {}
        self.saved = 0

    def open(self, **parts: Any) -> int:
        """Take what is to be saved, put it into the state of the file if that is resumed; return the steps done."""
        self.parts = parts
        if self.path and self.resume and Path(self.path).exists():
            self.saved = load_checkpoint(self.path, parts, config=self.config)
        return self.saved

    def is_due(self, done: int, steps: int) -> bool:
        """Say whether the parts are to be saved after ``done`` of ``steps`` steps."""
        return bool(self.path) and (done % self.every == 0 or done == steps)

    def save(self, done: int) -> None:
        """Replace the file by the state of the parts after ``done`` steps."""
        if self.path:
            save_checkpoint(self.path, self.parts, step=done, config=self.config)
        self.saved = done


def _split(parts: dict[str, Any]) -> tuple[dict, dict]:
    """The generators, whose states each process has for itself, and the parts that all processes share."""
    draws = {name: part for name, part in parts.items() if isinstance(part, torch.Generator)}
    return draws, {name: part for name, part in parts.items() if name not in draws}


def _of_every_process(state: dict) -> list[dict]:
    everybody = [state] * processes()
    if processes() > 1:
        dist.all_gather_object(everybody, state)
    return everybody


def _write(path: Path, content: dict) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        torch.save(content, partial)
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk itself before going on; folders where that is possible."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(content: Any) -> str:
    """A fingerprint of nested dictionaries and lists of tensors and plain values, equal for equal content."""
    found = hashlib.sha256()
    _feed(found, content)
    return found.hexdigest()


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        found.update(f"{value.dtype}{tuple(value.shape)}".encode())
        found.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    elif isinstance(value, dict):
        found.update(f"dict{len(value)}".encode())
        for key, part in value.items():
            _feed(found, key)
            _feed(found, part)
    elif isinstance(value, (list, tuple)):
        found.update(f"{type(value).__name__}{len(value)}".encode())
        for part in value:
            _feed(found, part)
    else:
        found.update(f"{type(value).__name__}:{value!r};".encode())
