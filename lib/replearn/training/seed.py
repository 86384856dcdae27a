"""Seeds and the states of every global random number generator."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from replearn.validate import check_integer


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch, on every device.

    Parameters
    ----------
    seed : int
        Between 0 and 2^32 - 1, the range that all three accept.


    Examples
    --------
    >>> seed_everything(0)
    >>> torch.rand(1)
    tensor([0.4963])
    """
    check_integer("seed", seed, 0, 2**32 - 1)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed everything inside a ``with`` block, and put every global generator back as it was after it.

    Parameters
    ----------
    seed : int
        Between 0 and 2^32 - 1.


    Examples
    --------
    >>> with seeded(0):
    ...     torch.rand(1)
    tensor([0.4963])
    """
    outside = rng_state()
    try:
        seed_everything(seed)
        yield
    finally:
        set_rng_state(outside)


def rng_state() -> dict[str, Any]:
    """Return the states of the global generators, as plain Python objects and tensors (safe to save).

    Returns
    -------
    dict
        Keys ``python``, ``numpy``, ``torch`` and ``cuda`` (one state a device).
    """
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, np.asarray(keys).tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_rng_state(state: dict[str, Any]) -> None:
    """Put the global generators into the states that ``rng_state`` returned.

    Parameters
    ----------
    state : dict
        What ``rng_state`` returned.
    """
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
