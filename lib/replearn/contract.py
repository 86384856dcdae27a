"""What a function accepts, declared in its signature and checked before any work.

    @checked
    def nt_xent(z1: Batch, z2: Batch, *, temperature: Positive = 0.5) -> torch.Tensor: ...

An annotation names a shape (letters stand for sizes, equal wherever they occur in a call), a range or some choices. A
wrong type raises ``TypeError``, a wrong value ``ValueError``; both name the argument, what is expected and what came.
Under ``torch.compile`` and on an accelerator, where to look at values would wait for the device, types and shapes alone
are checked: the training loop finds a loss that is not finite.
"""

import functools
import inspect
import math
import operator
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, ParamSpec, TypeVar, Union, get_args, get_origin

import numpy as np
import torch
from numpy.typing import ArrayLike

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


def checked(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Return ``function`` such that every argument that it is given is first held against its annotation."""
    kinds = _kinds(function)
    names = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Value:
        given = dict(zip(names, args, strict=False)) | kwargs
        sizes: dict[str, tuple[int, str]] = {}
        values: list[tuple[str, torch.Tensor]] = []
        for name, kind in kinds.items():
            if name in given:
                values += kind.check(name, given[name], sizes)
        _check_finite(values)
        return function(*args, **kwargs)

    return wrapped


class Floats:
    """A dense tensor of finite floating-point numbers of the shape ``spec``.

    Such as "N>=2 K"; "... K" has any dimensions before the last, "N [K]" may lack the last. In "2 N _" the first size
    is 2, and the last may differ between arguments.
    """

    accepts: type | tuple[type, ...] = torch.Tensor

    def __init__(self, spec: str) -> None:
        words, _, last = spec.partition("[")
        self.dims = [_dimension(word) for word in words.split() if word != "..."]
        self.free = spec.startswith("...")
        self.last = [_dimension(last.rstrip("]"))] if last else []
        letters = ["..."] * self.free + [letter for letter, _ in self.dims]
        limits = [f"{letter} >= {low}" for letter, low in self.dims if low > 1]
        self.shape = f"({', '.join(letters)}{',' if len(letters) == 1 else ''})"
        self.shape += f" or ({', '.join([*letters, self.last[0][0]])})" if last else ""
        self.expected = f"have shape {self.shape}" + (f" with {' and '.join(limits)}" if limits else "")

    def check(self, name: str, value: Any, sizes: dict) -> list[tuple[str, torch.Tensor]]:
        """Raise unless the type and shape are right; return what is still to be looked through for NaN."""
        if not isinstance(value, torch.Tensor):
            raise TypeError(
                f"{name} must be a torch.Tensor of shape {self.shape}, but is {_described(value)}; "
                f"torch.as_tensor makes one of an array or a list"
            )
        if value.layout != torch.strided:
            raise TypeError(f"{name} must be dense, but has layout {value.layout}; {name}.to_dense() makes it so")
        self.check_dtype(name, value)
        self.check_shape(name, value.shape, sizes)
        return [(name, value)]

    def check_dtype(self, name: str, value: torch.Tensor) -> None:
        """Raise unless the tensor holds floating-point numbers."""
        if not value.dtype.is_floating_point:
            raise TypeError(f"{name} must hold real floating-point numbers, but holds {value.dtype}")

    def check_shape(self, name: str, shape: tuple[int, ...], sizes: dict) -> None:
        """Raise unless the shape fits, and its letters have the sizes that earlier arguments gave them."""
        dims = self.dims + self.last if len(shape) > len(self.dims) else self.dims
        rank = len(dims)
        if len(shape) < rank or (len(shape) > rank and not self.free):
            raise ValueError(f"{name} must {self.expected}, but has shape {tuple(shape)}")
        for (letter, low), size in zip(dims, shape[len(shape) - rank :], strict=True):
            if size < low or (letter.isdigit() and size != int(letter)):
                raise ValueError(f"{name} must {self.expected}, but has shape {tuple(shape)}")
            known, first = sizes.setdefault(letter, (size, name))
            if size != known and letter != "_":
                raise ValueError(
                    f"{name} must {self.expected}, where {letter} = {known} as in {first}, but has shape {tuple(shape)}"
                )


class Integers(Floats):
    """A dense tensor of integers, or of booleans, of the shape ``spec``."""

    def check(self, name: str, value: Any, sizes: dict) -> list[tuple[str, torch.Tensor]]:
        """As for :class:`Floats`; an integer is always finite."""
        super().check(name, value, sizes)
        return []

    def check_dtype(self, name: str, value: torch.Tensor) -> None:
        """Raise unless the tensor holds integers or booleans."""
        if value.dtype.is_floating_point or value.dtype.is_complex:
            raise TypeError(f"{name} must hold integers, but holds {value.dtype}")


class Numbers(Floats):
    """A dense tensor of finite real numbers of any kind, booleans among them, of the shape ``spec``."""

    def check_dtype(self, name: str, value: torch.Tensor) -> None:
        """Raise where the tensor holds complex numbers."""
        if value.dtype.is_complex:
            raise TypeError(f"{name} must hold real numbers, but holds {value.dtype}")


class Stack(Floats):
    """A tensor of the shape ``spec``, or a list of tensors (or of another ``part``) that stack to it."""

    accepts = (torch.Tensor, list, tuple)

    def __init__(self, spec: str, part: type[Floats] = Floats) -> None:
        super().__init__(spec)
        self.part = part(" ".join(f"{letter}>={low}" for letter, low in self.dims[1:]))

    def check(self, name: str, value: Any, sizes: dict) -> list[tuple[str, torch.Tensor]]:
        """Raise unless the tensor, or each part of the list, is right."""
        if not isinstance(value, (list, tuple)):
            return super().check(name, value, sizes)
        letter, low = self.dims[0]
        if len(value) < low:
            raise ValueError(f"{name} must {self.expected}, but has {letter} = {len(value)}")
        sizes.setdefault(letter, (len(value), name))
        return [found for i, one in enumerate(value) for found in self.part.check(f"{name}[{i}]", one, sizes)]


class Array(Numbers):
    """Finite real numbers of the shape ``spec``: a dense tensor, a NumPy array, or lists of numbers."""

    accepts = (torch.Tensor, np.ndarray, list, tuple)
    holds, kinds = "real numbers", "fiub"

    def check(self, name: str, value: Any, sizes: dict) -> list:
        """Raise unless the type and shape are right; return what is still to be looked through for NaN."""
        if isinstance(value, torch.Tensor):
            return super().check(name, value, sizes)
        if not isinstance(value, self.accepts):
            raise TypeError(
                f"{name} must be a tensor, an array or a list of shape {self.shape}, but is {_described(value)}"
            )
        try:
            array = np.asarray(value)
        except ValueError:
            raise ValueError(f"{name} must {self.expected}, but its rows have different lengths") from None
        if array.dtype.kind not in self.kinds and array.size:
            raise TypeError(f"{name} must hold {self.holds}, but holds {array.dtype}")
        self.check_shape(name, array.shape, sizes)
        return [(name, array)]


class IntegerArray(Array):
    """Integers, or booleans, of the shape ``spec``: a dense tensor, a NumPy array, or lists."""

    holds, kinds = "integers", "iub"
    check_dtype = Integers.check_dtype


class Number:
    """A finite real number within limits: ``above`` and ``below`` are left out, ``least`` and ``most`` allowed."""

    accepts = (int, float, np.integer, np.floating, torch.Tensor)

    def __init__(
        self,
        *,
        above: float | None = None,
        least: float | None = None,
        below: float | None = None,
        most: float | None = None,
    ) -> None:
        limits = [
            (operator.gt, above, "above"),
            (operator.ge, least, "at least"),
            (operator.lt, below, "below"),
            (operator.le, most, "at most"),
        ]
        self.limits = [(holds, bound) for holds, bound, _ in limits if bound is not None]
        words = " and ".join(f"{word} {bound}" for _, bound, word in limits if bound is not None)
        self.expected = "positive" if words == "above 0" else words

    def check(self, name: str, value: Any, sizes: dict) -> list:
        """Raise unless the number, or a tensor without dimensions, lies within the limits."""
        if isinstance(value, bool) or not isinstance(value, self.accepts):
            raise TypeError(f"{name} must be a number, but is {_described(value)}")
        if isinstance(value, torch.Tensor):
            if value.ndim or value.dtype.is_complex:
                raise TypeError(f"{name} must be one real number, but is a tensor of shape {tuple(value.shape)}")
            if hidden(value):
                return []
        if not (math.isfinite(value) and all(holds(value, bound) for holds, bound in self.limits)):
            expected = f"{self.expected} and finite" if self.expected else "finite"
            raise ValueError(f"{name} must be {expected}, but is {value}")
        return []


class Whole:
    """An integer of at least ``low``, and at most ``high``; 3.0 is none."""

    accepts = (int, np.integer, float)

    def __init__(self, low: int, high: int | None = None) -> None:
        self.low, self.high = low, high
        self.expected = f"an integer, {f'at least {low}' if high is None else f'between {low} and {high}'}"

    def check(self, name: str, value: Any, sizes: dict) -> list:
        """Raise unless the value is an integer within the limits."""
        if isinstance(value, bool) or not isinstance(value, self.accepts):
            raise TypeError(f"{name} must be {self.expected}, but is {_described(value)}")
        high = math.inf if self.high is None else self.high
        if isinstance(value, float) or not self.low <= value <= high:
            raise ValueError(f"{name} must be {self.expected}, but is {value}")
        return []


class Choice:
    """One of a few words or numbers."""

    def __init__(self, *choices: Any) -> None:
        self.choices = choices
        self.accepts = tuple({type(choice) for choice in choices}) + (np.integer,) * isinstance(choices[0], int)
        self.noun = f"one of {', '.join(map(repr, choices))}"

    def check(self, name: str, value: Any, sizes: dict) -> list:
        """Raise unless the value is one of the choices."""
        if isinstance(value, bool) or not isinstance(value, self.accepts):
            raise TypeError(f"{name} must be {self.noun}, but is {_described(value)}")
        if value not in self.choices:
            raise ValueError(f"{name} must be {self.noun}, but is {value!r}")
        return []


class _Flag:
    accepts = (bool, np.bool_)

    def check(self, name: str, value: Any, sizes: dict) -> list:
        if not isinstance(value, self.accepts):
            raise TypeError(f"{name} must be True or False, but is {_described(value)}")
        return []


class _Generator:
    accepts = (torch.Generator,)

    def check(self, name: str, value: Any, sizes: dict) -> list:
        if not isinstance(value, torch.Generator):
            raise TypeError(f"{name} must be a torch.Generator, but is {_described(value)}")
        return []


class _Either:
    """One of several kinds, chosen by the type of what came; None where it is among them."""

    def __init__(self, kinds: list, none: bool) -> None:
        self.kinds = sorted(kinds, key=lambda kind: not isinstance(kind, Number))
        self.none = none

    def check(self, name: str, value: Any, sizes: dict) -> list:
        if value is None and self.none:
            return []
        for kind in self.kinds[:-1]:
            many = isinstance(kind, Number) and getattr(value, "ndim", 0) > 0
            if isinstance(value, kind.accepts) and not many:
                return kind.check(name, value, sizes)
        return self.kinds[-1].check(name, value, sizes)


def _kinds(function: Callable) -> dict[str, Any]:
    """The kind of each parameter whose annotation declares one."""
    hints = inspect.get_annotations(function).items()
    return {name: kind for name, hint in hints if name != "return" and (kind := _kind(hint)) is not None}


def _kind(hint: Any) -> Any:
    if hint is bool:
        return _Flag()
    if hint is torch.Generator:
        return _Generator()
    if get_origin(hint) is Annotated:
        return hint.__metadata__[0]
    if get_origin(hint) in (Union, UnionType):
        parts = get_args(hint)
        kinds = [kind for part in parts if (kind := _kind(part)) is not None]
        return _Either(kinds, NoneType in parts) if kinds else None
    return None


def _dimension(word: str) -> tuple[str, int]:
    letter, _, low = word.partition(">=")
    return letter, int(low or 1)


def _described(value: Any) -> str:
    """What came, for an error: its text where that is short, and its type."""
    kind = type(value).__name__
    text = repr(value) if value is None or isinstance(value, (bool, int, float, str)) else ""
    return text if value is None else f"{text} ({kind})" if text and len(text) < 40 else f"of type {kind}"


def hidden(value: torch.Tensor) -> bool:
    """Whether to look at the values would wait for a device, break a graph, or fail inside ``torch.func``."""
    if torch.compiler.is_compiling() or value.device.type != "cpu":
        return True
    return torch._C._functorch.is_functorch_wrapped_tensor(value)


def _check_finite(values: list) -> None:
    if torch.compiler.is_compiling():
        return
    for name, value in values:
        if not _is_finite(value):
            raise ValueError(f"{name} contains NaN or infinite values; clean or rescale it first")


def _is_finite(value: torch.Tensor | np.ndarray) -> bool:
    if isinstance(value, np.ndarray):
        return bool(np.isfinite(value).all())
    if hidden(value):
        return True
    # A finite sum has finite terms, and takes one pass and no copy. A sum may also overflow: hence the second look.
    return math.isfinite(value.detach().sum()) or bool(torch.isfinite(value).all())


Batch = Annotated[torch.Tensor, Floats("N>=2 K")]
"""Embeddings (N, K) of at least two samples, a row each."""

Rows = Annotated[torch.Tensor, Floats("N K")]
"""A matrix (N, K) with at least one row."""

Labels = Annotated[torch.Tensor, Integers("N")]
"""An integer for each of the N samples."""

Matrix = Annotated[ArrayLike, Array("N K")]
"""A matrix (N, K) of at least one sample, a row each, as a tensor, an array or lists."""

Samples = Annotated[ArrayLike, Array("N>=2 K")]
"""The same of at least two samples."""

Classes = Annotated[ArrayLike, IntegerArray("N")]
"""An integer for each of the N samples, as a tensor, an array or a list."""

Positive = Annotated[float, Number(above=0)]
Seed = Annotated[int, Whole(-(2**63), 2**64 - 1)]
"""The integers that a random generator of torch takes."""

NonNegative = Annotated[float, Number(least=0)]
Share = Annotated[float, Number(least=0, below=1)]
"""At least 0 and below 1."""
