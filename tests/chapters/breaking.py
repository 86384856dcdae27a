"""Run a chapter with one call of the library broken, and say whether a claim noticed."""

import contextlib
import dataclasses
import functools
import importlib
import multiprocessing
import os
from contextlib import ExitStack
from unittest import mock

import jupytext
import matplotlib
import numpy as np
import torch
from scipy import sparse

import replearn
from cookbook.claims import ClaimsFailed

KINDS = ("constant", "shuffled", "scaled", "skipped", "zero")


class CannotBreak(Exception):
    """The list of mutants asks for what cannot be done."""


def noticed(pages, name=None, kind=None):
    """What stopped the pages of a chapter, run in a fork at scale fast with ``name`` broken: a text, or None."""
    if name:
        _check(name, kind)
    fork = multiprocessing.get_context("fork")
    mine, theirs = fork.Pipe(duplex=False)
    child = fork.Process(target=_run, args=(theirs, pages, name, kind))
    child.start()
    theirs.close()
    found = mine.recv()
    child.join()
    if isinstance(found, CannotBreak):
        raise found
    return found


def _run(pipe, pages, name, kind):
    os.environ["COOKBOOK_SCALE"] = "fast"
    matplotlib.use("Agg")
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
        if name:
            holder, attribute = _place(name)
            setattr(holder, attribute, broken(getattr(holder, attribute), kind))
        found = next(filter(None, map(_first_trouble, pages)), None)
    pipe.send(found)


def _first_trouble(page):
    """Run the code cells of a page until a claim fails or a cell raises; say which."""
    names = {"__name__": "__main__"}
    for cell in jupytext.read(page.path).cells:
        if cell.cell_type != "code":
            continue
        try:
            exec(compile(cell.source, page.name, "exec"), names)
        except ClaimsFailed as error:
            return str(error)
        except CannotBreak as error:
            return error
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        failed = [claim.id for claim in getattr(names.get("ch"), "measured", {}).values() if not claim.holds]
        if failed:
            return f"{page.name}: {', '.join(failed)}"
    return None


def _place(name):
    """The object that holds the public name ``losses.vicreg`` or ``methods.MoCo.step``, and the name's last word."""
    *path, attribute = name.split(".")
    if path[0] == "papers":
        return importlib.import_module(f"replearn.papers.{path[1]}"), attribute
    return functools.reduce(getattr, path, replearn), attribute


def _check(name, kind):
    holder, attribute = _place(name)
    if not callable(getattr(holder, attribute, None)):
        raise CannotBreak(f"replearn has no function {name}")
    if kind not in KINDS:
        raise CannotBreak(f"{name} can be broken in one of the ways {', '.join(KINDS)}, not {kind!r}")


def broken(function, kind):
    """``function`` with each array of its result permuted along its rows, scaled, averaged or made zero, or with
    no optimizer's steps taken."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if kind == "skipped":
            return _without_steps(function, args, kwargs)
        result, changed = _break(function(*args, **kwargs), globals()[f"_{kind}"])
        if not changed:
            raise CannotBreak(f"nothing in the result of {function.__name__} can be broken: choose another way")
        return result

    return wrapper


def _without_steps(function, args, kwargs):
    with ExitStack() as stack:
        for optimizer in _subclasses(torch.optim.Optimizer):
            if "step" in vars(optimizer):
                stack.enter_context(mock.patch.object(optimizer, "step", _no_step))
        return function(*args, **kwargs)


def _subclasses(kind):
    return {below for child in kind.__subclasses__() for below in {child} | _subclasses(child)}


def _no_step(self, closure=None):
    return None if closure is None else closure()


def _break(value, how):
    """The value with ``how`` applied to every array and number in it, and whether there was one."""
    if isinstance(value, torch.Tensor | np.ndarray | float | np.number):
        return how(value), True
    if isinstance(value, int) and not isinstance(value, bool):
        return int(how(value)), True
    if sparse.issparse(value):
        return _break_sparse(value, how), True
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
        fields, changed = _break(fields, how)
        return dataclasses.replace(value, **fields), changed
    if isinstance(value, tuple | list):
        parts = [_break(part, how) for part in value]
        made = [part for part, _ in parts]
        value = type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
        return value, any(changed for _, changed in parts)
    if isinstance(value, dict):
        parts = {key: _break(part, how) for key, part in value.items()}
        return {key: part for key, (part, _) in parts.items()}, any(changed for _, changed in parts.values())
    return value, False


def _break_sparse(graph, how):
    """A sparse matrix with ``how`` applied to its rows, or with all the entries that it has made alike."""
    if how is _constant:
        made = graph.copy()
        made.data = np.full_like(made.data, made.data.mean())
        return made
    return type(graph)(how(graph.toarray()))


def _scaled(value):
    return value * 3


def _zero(value):
    return value * 0


def _constant(value):
    if isinstance(value, torch.Tensor):
        if not value.is_floating_point():
            return torch.full_like(value, value.flatten()[0].item()) if value.numel() else value
        return torch.full_like(value, value.detach().nanmean().item()) + 0 * value.sum()
    if isinstance(value, np.ndarray):
        return np.full_like(value, value.mean()) if value.dtype.kind == "f" else np.full_like(value, value.flat[0])
    return 0.0


def _shuffled(value):
    """Rows in another order (those of each matrix of a stack of matrices); a number changes its sign."""
    ndim = getattr(value, "ndim", 0)
    if not ndim:
        return -value
    axis = ndim - 2 if ndim in (2, 3) else 0
    order = np.random.default_rng(0).permutation(value.shape[axis])
    if isinstance(value, torch.Tensor):
        return value.index_select(axis, torch.from_numpy(order).to(value.device))
    return value.take(order, axis)
