"""Checkpoints that never hold half a state, never run code when read, and resume bit for bit."""

import os
from pathlib import Path

import torch

from replearn.training.seed import rng_state, set_rng_state


def save_checkpoint(path, parts, *, step, config):
    """Write everything that a run needs to go on from ``step``, atomically.

    The file is written beside ``path`` and then renamed over it, so that a reader finds the old one or the new one.

    Parameters
    ----------
    path : path-like
        Where the checkpoint goes; its folder must exist.
    parts : dict of str to object
        What has a state: objects with ``state_dict`` (modules, optimisers), or a ``torch.Generator``.
    step : int
        The number of steps done.
    config : dict
        What the run was asked to do, of plain Python values; ``load_checkpoint`` compares it.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} of the checkpoint does not exist; make it first")
    content = {
        "step": step,
        "config": config,
        "rng": rng_state(),
        "parts": {name: _get_state(part) for name, part in parts.items()},
    }
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        torch.save(content, partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def load_checkpoint(path, parts, *, config):
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
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no checkpoint {path} to resume from")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        saved, states = content["config"], content["parts"]
    except Exception as error:
        raise ValueError(f"{path} is not a checkpoint of this library: {type(error).__name__}") from error
    changed = sorted(key for key in saved.keys() | config.keys() if saved.get(key) != config.get(key))
    if changed:
        detail = "; ".join(f"{key} was {saved.get(key)!r} and is now {config.get(key)!r}" for key in changed)
        raise ValueError(f"{path} belongs to another run ({detail}); use the same settings, or another checkpoint file")
    if states.keys() != parts.keys():
        raise ValueError(f"{path} holds {sorted(states)}, but the run needs {sorted(parts)}")
    for name, part in parts.items():
        _set_state(part, states[name])
    set_rng_state(content["rng"])
    return content["step"]


def _get_state(part):
    return part.get_state() if isinstance(part, torch.Generator) else part.state_dict()


def _set_state(part, state):
    if isinstance(part, torch.Generator):
        part.set_state(state)
    else:
        part.load_state_dict(state)
