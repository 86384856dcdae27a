"""Claims: one sentence that a reader could quote, the numbers that decide it, and the bounds they must meet."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

MIME = "application/vnd.cookbook.claims+json"
ROLES = ("message", "control", "check")
GREEN, RED, MUTED = "#00755a", "#c04a00", "#667"


class ClaimsFailed(AssertionError):
    """At least one claim of a chapter does not hold."""


@dataclass(frozen=True)
class Bound:
    """The interval of values that a measured number must lie in, open where a side is infinite."""

    kind: str
    low: float
    high: float

    @classmethod
    def of(cls, **given):
        """The bound named by exactly one of below=, above=, between=(low, high), close_to=(value, tolerance)."""
        if len(given) != 1 or not set(given) <= {"below", "above", "between", "close_to"}:
            raise ValueError("one bound is needed: below, above, between [low, high] or close_to [value, tolerance]")
        ((kind, value),) = given.items()
        try:
            low, high = _interval(kind, value)
        except (TypeError, ValueError):
            pair = kind in ("between", "close_to")
            raise ValueError(f"{kind} needs {'two numbers' if pair else 'a number'}, but is {value!r}") from None
        if not low <= high:
            raise ValueError(f"{kind} leaves no room: from {low} to {high}")
        return cls(kind, low, high)

    def margin(self, value):
        """How far ``value`` lies inside the bound, relative to the bound's size; negative or NaN where it fails."""
        if self.low == self.high:
            return math.inf if value == self.low else -math.inf
        if self.kind == "below":
            return (self.high - value) / (abs(self.high) or 1)
        if self.kind == "above":
            return (value - self.low) / (abs(self.low) or 1)
        return min(value - self.low, self.high - value) / ((self.high - self.low) / 2)

    def holds(self, value):
        """Whether a finite ``value`` lies inside; NaN and infinity never do."""
        return math.isfinite(value) and self.low <= value <= self.high

    def __str__(self):
        if self.kind == "below":
            return f"≤ {number(self.high)}"
        if self.kind == "above":
            return f"≥ {number(self.low)}"
        if self.low == self.high:
            return f"= {number(self.low)}"
        return f"{number(self.low)} … {number(self.high)}"


def _interval(kind, value):
    if kind == "below":
        return -math.inf, float(value)
    if kind == "above":
        return float(value), math.inf
    first, second = map(float, value)
    return (first, second) if kind == "between" else (first - second, first + second)


@dataclass(frozen=True)
class Measure:
    """A number that a claim rests on: what it is, in which unit, and its bound."""

    name: str
    is_: str
    bound: Bound
    unit: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence of a chapter's card: who says it, its role, and the numbers that decide it."""

    id: str
    says: str
    source: str
    role: str
    measures: tuple[Measure, ...]
    paper: str = ""

    def measured(self, **values):
        """This claim with what was found, a number or several for each of its measures."""
        names = [measure.name for measure in self.measures]
        if set(values) != set(names):
            raise ValueError(f"claim {self.id!r} is decided by {', '.join(names)}, but is given {', '.join(values)}")
        return MeasuredClaim(self, {name: _numbers(self.id, name, values[name]) for name in names})


@dataclass(frozen=True)
class MeasuredClaim:
    """A claim and the numbers found for it: one, or one for each seed, for each of its measures."""

    claim: Claim
    values: dict[str, tuple[float, ...]]

    @property
    def id(self):
        return self.claim.id

    @property
    def holds(self):
        return all(m.bound.holds(value) for m in self.claim.measures for value in self.values[m.name])

    def worst(self, measure):
        """The value of one measure with the least room to its bound; NaN comes first."""
        return min(self.values[measure.name], key=lambda v: (not math.isnan(v), measure.bound.margin(v)))

    def figure(self, measure):
        """The worst value as text, with its unit, and how many there were."""
        found = " ".join(filter(None, [number(self.worst(measure)), measure.unit]))
        count = len(self.values[measure.name])
        return found if count == 1 else f"{found} (worst of {count})"

    def as_dict(self):
        """Plain data for the notebook's output; values keep three significant digits."""
        claim = self.claim
        return {
            "id": claim.id,
            "says": claim.says,
            "source": claim.source,
            "role": claim.role,
            "paper": claim.paper,
            "holds": self.holds,
            "measures": [self._measure_as_dict(measure) for measure in claim.measures],
        }

    def _measure_as_dict(self, measure):
        worst = self.worst(measure)
        return {
            "name": measure.name,
            "is": measure.is_,
            "unit": measure.unit,
            "bound": str(measure.bound),
            "values": [number(value) for value in self.values[measure.name]],
            "worst": number(worst),
            "margin": number(measure.bound.margin(worst)),
        }

    def _repr_html_(self):
        kind = {"message": "", "control": "Control: ", "check": "Check: "}[self.claim.role]
        lines = [
            f"{escape(measure.is_)}: <b>{escape(self.figure(measure))}</b>"
            f'&ensp;<span style="color:{MUTED}">claimed {escape(str(measure.bound))}</span>'
            for measure in self.claim.measures
        ]
        return (
            f'<div style="border-left:3px solid {GREEN if self.holds else RED};padding:0.1em 0.8em">'
            f"{tick(self.holds)} {kind}{escape(self.claim.says)}<br><small>{'<br>'.join(lines)}</small></div>"
        )

    def __str__(self):
        found = "; ".join(f"{m.name} {self.figure(m)}, claimed {m.bound}" for m in self.claim.measures)
        return f"{'holds' if self.holds else 'FAILS'}  {self.id}: {found}"

    __repr__ = __str__


class ClaimsTable:
    """The table at the end of a notebook: HTML for the reader, text for a terminal, data for ``cookbook claims``."""

    def __init__(self, page, scale, seed, claims):
        self.page, self.scale, self.seed, self.claims = page, scale, seed, claims

    def _repr_mimebundle_(self, include=None, exclude=None):
        rows = [claim.as_dict() for claim in self.claims]
        data = {"page": self.page, "scale": self.scale, "seed": self.seed, "claims": rows}
        return {"text/plain": str(self), "text/html": self.html(), MIME: data}

    @property
    def _headline(self):
        return f"{sum(claim.holds for claim in self.claims)} of {len(self.claims)} claims hold"

    def __str__(self):
        head = f"{self._headline} ({self.page}, scale {self.scale}, seed {self.seed})"
        return "\n".join([head, *map(str, self.claims)])

    __repr__ = __str__

    def html(self):
        """Messages and controls as rows; checks of the implementation as one line that names those that fail."""
        checks = [claim for claim in self.claims if claim.claim.role == "check"]
        rows = "".join(_row(claim) for claim in self.claims if claim not in checks)
        columns = {"": 3, "claim": 45, "the paper's figure": 14, "measured here": 38}
        head = "".join(f'<th style="text-align:left;width:{width}%">{name}</th>' for name, width in columns.items())
        return (
            f'<table style="width:100%"><caption style="text-align:left"><b>{self._headline}</b> '
            f"(scale {self.scale}, seed {self.seed})</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
            "</table>" + _checks_line(checks)
        )


def _row(found):
    claim = found.claim
    control = "<i>Control.</i> " if claim.role == "control" else ""
    numbers = "<br>".join(
        f"{escape(m.is_)}: <b>{escape(found.figure(m))}</b> ({escape(str(m.bound))})" for m in claim.measures
    )
    cells = [
        tick(found.holds),
        f"{control}{escape(claim.says)}<br><small>{escape(claim.source)}</small>",
        escape(claim.paper or "–"),
        numbers,
    ]
    return "<tr>" + "".join(f'<td style="text-align:left;vertical-align:top">{cell}</td>' for cell in cells) + "</tr>"


def _checks_line(checks):
    if not checks:
        return ""
    failed = [claim for claim in checks if not claim.holds]
    said = "; ".join(str(claim) for claim in failed) or "; ".join(claim.claim.says for claim in checks)
    return (
        f"<details><summary>{tick(not failed)} {len(checks) - len(failed)} of {len(checks)} checks of the "
        f"implementation hold</summary><small>{escape(said)}</small></details>"
    )


def tick(holds):
    """A coloured mark, as HTML."""
    return f'<b style="color:{GREEN if holds else RED}">{"✓" if holds else "✗"}</b>'


def number(value):
    """Format a number with three significant digits, whole numbers as they are."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.3g}"


def _numbers(id, name, found):
    found = found.flatten().tolist() if hasattr(found, "flatten") else found
    try:
        numbers = tuple(float(v) for v in (found if isinstance(found, Iterable) else [found]))
    except (TypeError, ValueError):
        raise ValueError(f"claim {id!r}: {name} needs a number, or one for each seed, but is {found!r}") from None
    if not numbers:
        raise ValueError(f"claim {id!r}: {name} measures nothing")
    return numbers
