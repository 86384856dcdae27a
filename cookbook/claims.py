"""Claims: what a paper says, the number measured in front of the reader, and the bound it must meet."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape

MIME = "application/vnd.cookbook.claims+json"


class ClaimsFailed(AssertionError):
    """At least one claim of a chapter does not hold."""


@dataclass(frozen=True)
class Bound:
    """The interval of values that a measured number must lie in, open where a side is infinite."""

    kind: str
    low: float
    high: float

    @classmethod
    def of(cls, *, below=None, above=None, between=None, close_to=None):
        given = {"below": below, "above": above, "between": between, "close_to": close_to}
        named = [kind for kind, value in given.items() if value is not None]
        if len(named) != 1:
            raise ValueError(
                "a claim needs exactly one of below=, above=, between=(low, high), close_to=(value, tolerance)"
            )
        kind = named[0]
        if kind == "below":
            return cls(kind, -math.inf, float(below))
        if kind == "above":
            return cls(kind, float(above), math.inf)
        if kind == "between":
            low, high = between
        else:
            value, tolerance = close_to
            low, high = value - tolerance, value + tolerance
        if not low <= high:
            raise ValueError(f"{kind} leaves no room: from {low} to {high}")
        return cls(kind, float(low), float(high))

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
        return math.isfinite(value) and self.low <= value <= self.high

    def __str__(self):
        if self.kind == "below":
            return f"≤ {number(self.high)}"
        if self.kind == "above":
            return f"≥ {number(self.low)}"
        if self.low == self.high:
            return f"= {number(self.low)}"
        return f"{number(self.low)} … {number(self.high)}"


@dataclass(frozen=True)
class Claim:
    """One row of a chapter's table; ``measured`` holds one number, or one for each seed."""

    id: str
    text: str
    measured: tuple[float, ...]
    bound: Bound
    unit: str
    paper: str
    source: str
    control: bool

    @property
    def holds(self):
        return all(self.bound.holds(value) for value in self.measured)

    @property
    def worst(self):
        """The measured value with the least room to its bound; NaN comes first."""
        return min(self.measured, key=lambda v: (not math.isnan(v), self.bound.margin(v)))

    @property
    def verdict(self):
        return "holds" if self.holds else "FAILS"

    @property
    def figure(self):
        """The measured value as text, with its unit; the worst one where there are several."""
        worst = " ".join(filter(None, [number(self.worst), self.unit]))
        return worst if len(self.measured) == 1 else f"{worst} (worst of {len(self.measured)})"

    def as_dict(self):
        """Plain data for the notebook's output; values keep three significant digits."""
        row = asdict(self) | {
            "measured": [number(v) for v in self.measured],
            "bound": str(self.bound),
            "worst": number(self.worst),
            "margin": number(self.bound.margin(self.worst)),
            "holds": self.holds,
        }
        return row

    def _repr_html_(self):
        mark, colour = ("✓", "#009e73") if self.holds else ("✗", "#d55e00")
        return (
            f'<b style="color:{colour}">{mark}</b> {escape(self.text)}<br>'
            f"&emsp;measured <b>{escape(self.figure)}</b>, claimed {escape(str(self.bound))}"
        )

    def __str__(self):
        return f"{self.verdict}  {self.id}: measured {self.figure}, claimed {self.bound}"

    __repr__ = __str__


def number(value):
    """Format a number with three significant digits, whole numbers as they are."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.3g}"


def make_claim(id, text, *, measured, unit, paper, source, control, **bound):
    """Build a claim; ``measured`` is a number or a sequence of numbers, one for each seed."""
    values = measured.flatten().tolist() if hasattr(measured, "flatten") else measured
    values = tuple(float(v) for v in (values if isinstance(values, Iterable) else [values]))
    if not values:
        raise ValueError(f"claim {id!r} measures nothing")
    return Claim(id, text, values, Bound.of(**bound), unit, str(paper), source, control)


class ClaimsTable:
    """The table at the end of a chapter: HTML for the reader, text for a terminal, data for ``cookbook claims``."""

    def __init__(self, slug, scale, seed, claims):
        self.slug, self.scale, self.seed, self.claims = slug, scale, seed, claims

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"slug": self.slug, "scale": self.scale, "seed": self.seed, "claims": [c.as_dict() for c in self.claims]}
        return {"text/plain": str(self), "text/html": self.html(), MIME: data}

    def __str__(self):
        held = sum(c.holds for c in self.claims)
        head = f"{held} of {len(self.claims)} claims hold ({self.slug}, scale {self.scale}, seed {self.seed})"
        return "\n".join([head, *map(str, self.claims)])

    __repr__ = __str__

    def html(self):
        held = sum(c.holds for c in self.claims)
        columns = {"": 3, "claim": 55, "the paper's figure": 16, "bound": 11, "measured here": 15}
        head = "".join(f'<th style="text-align:left;width:{width}%">{name}</th>' for name, width in columns.items())
        return (
            f'<table style="width:100%"><caption style="text-align:left">'
            f"<b>{held} of {len(self.claims)} claims hold</b> (scale {self.scale}, seed {self.seed})</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, self.claims))}</tbody></table>"
        )


def _row(claim):
    mark, colour = ("✓", "#009e73") if claim.holds else ("✗", "#d55e00")
    control = " <i>(negative control)</i>" if claim.control else ""
    cells = [
        f'<b style="color:{colour}">{mark}</b>',
        f"{escape(claim.text)}{control}<br><small><code>{escape(claim.id)}</code> · {escape(claim.source)}</small>",
        escape(claim.paper or "–"),
        escape(str(claim.bound)),
        f"<b>{escape(claim.figure)}</b>",
    ]
    return "<tr>" + "".join(f'<td style="text-align:left;vertical-align:top">{cell}</td>' for cell in cells) + "</tr>"
