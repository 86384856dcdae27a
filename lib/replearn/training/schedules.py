"""Schedules as pure functions of the step, so that a resumed run needs no state of theirs."""

import math

from replearn.validate import check_choice, check_integer, check_positive


def warmup_cosine(step: int, total: int, warmup: int, base: float, end: float = 0.0) -> float:
    """Rise linearly from 0 to ``base`` in ``warmup`` steps, then fall to ``end`` along half a cosine.

    ``base t / T_w`` for ``t < T_w``, then ``end + (base - end) (1 + cos(pi (t - T_w) / (T - T_w))) / 2``.

    Parameters
    ----------
    step : int
        The step t, 0 <= t <= ``total``.
    total : int
        The number of steps T.
    warmup : int
        The number of warm-up steps T_w, smaller than ``total``; 0 starts at ``base``.
    base, end : float
        The peak, and the value at t = T.

    Returns
    -------
    float
        The value at ``step``.

    References
    ----------
    Loshchilov and Hutter, "SGDR" (2017); the warm-up is Goyal et al.'s (2017).

    Examples
    --------
    >>> [round(warmup_cosine(step, 10, 2, 1.0), 2) for step in (0, 1, 2, 6, 10)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    check_integer("total", total, 1)
    check_integer("warmup", warmup, 0)
    if warmup >= total:
        raise ValueError(f"warmup must be smaller than the number of steps, but is {warmup} of {total}")
    check_integer("step", step, 0, total)
    if step < warmup:
        return base * step / warmup
    return cosine_ramp(step - warmup, total - warmup, base, end)


def constant_lr(step: int, total: int, warmup: int, base: float) -> float:
    """Stay at ``base``, in the place of :func:`warmup_cosine`, whose arguments it takes.

    Examples
    --------
    >>> constant_lr(5, 10, 2, 0.1)
    0.1
    """
    return base


def cosine_ramp(step: int, total: int, start: float, end: float) -> float:
    """Go from ``start`` to ``end`` along half a cosine: ``end + (start - end) (1 + cos(pi t / T)) / 2``.

    Parameters
    ----------
    step : int
        The step t, 0 <= t <= ``total``.
    total : int
        The number of steps T.
    start, end : float
        The values at t = 0 and t = T, for example 0.996 and 1 for a teacher's momentum.

    Returns
    -------
    float
        The value at ``step``.

    References
    ----------
    Loshchilov and Hutter, "SGDR" (2017), equation 5; for momentum, Grill et al., "BYOL" (2020), section 3.3.

    Examples
    --------
    >>> cosine_ramp(5, 10, 0.9, 1.0)
    0.95
    """
    check_integer("total", total, 1)
    check_integer("step", step, 0, total)
    return cosine(step / total, start, end)


def cosine(progress: float, start: float, end: float) -> float:
    """Go from ``start`` to ``end`` along half a cosine while ``progress`` goes from 0 to 1."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def scale_lr(base: float, batch: int, rule: str = "linear") -> float:
    """Scale a learning rate that was stated for a batch of 256: ``base (B / 256)^p``, p = 1, 1/2 or 0.

    Parameters
    ----------
    base : float
        Learning rate at a batch of 256.
    batch : int
        Size B of the batch, over all processes.
    rule : {"linear", "sqrt", "fixed"}
        The exponent p: 1 (SGD and LARS), 1/2, or 0 (often best with AdamW and small batches).

    Returns
    -------
    float
        The learning rate at batch B.

    References
    ----------
    Goyal et al., "Accurate, Large Minibatch SGD" (2017); the square root is SimCLR's (2020), appendix B.1.

    Examples
    --------
    >>> scale_lr(0.3, 1024), scale_lr(0.3, 1024, "sqrt")
    (1.2, 0.6)
    """
    check_positive("base", base)
    check_integer("batch", batch, 1)
    check_choice("rule", rule, ("linear", "sqrt", "fixed"))
    return base * (batch / 256) ** {"linear": 1.0, "sqrt": 0.5, "fixed": 0.0}[rule]
