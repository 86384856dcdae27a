"""A chapter's card: ``card.yaml``, read once, with a sentence for whatever is wrong in it."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from cookbook.claims import ROLES, Bound, Claim, Measure
from cookbook.errors import BookError

REQUIRED = ("title", "promise", "papers", "needs", "level", "minutes", "symbols", "claims")
OPTIONAL = ("where", "gpu", "result")
LEVELS = {1: "●○○", 2: "●●○", 3: "●●●"}
BOUNDS = ("below", "above", "between", "close_to")
OURS = "this book"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where PyYAML was built with it: ten times as fast, and a page reads all cards when it opens."""


@dataclass(frozen=True)
class Minutes:
    """How long an honest reader takes: to read, to run at scale toy, to do the exercises."""

    read: int
    run: int
    exercises: int

    def __str__(self):
        times = [f"{self.read} min to read", f"{self.run} to run"]
        return ", ".join(times + ([f"{self.exercises} with pencil and keyboard"] if self.exercises else []))


@dataclass(frozen=True)
class Result:
    """The box for a researcher: one result, the function that has it, and the command that trains with it."""

    says: str
    code: str
    train: str = ""


@dataclass(frozen=True)
class Card:
    """What a chapter says of itself: who it is for and what it claims."""

    title: str
    promise: str
    papers: tuple[str, ...]
    needs: tuple[str, ...]
    level: int
    minutes: Minutes
    symbols: dict[str, str]
    claims: dict[str, Claim]
    where: str = ""
    gpu: str = ""
    result: Result | None = None
    references: tuple = field(default=(), compare=False)

    @property
    def stars(self):
        """The level as three dots."""
        return LEVELS[self.level]


def read_card(path, papers):
    """Read ``card.yaml``; ``papers`` {key: Paper} is the bibliography. Raises ``BookError`` for what is wrong."""
    try:
        return _card(_mapping("the card", yaml.load(Path(path).read_text("utf-8"), LOADER)), papers)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BookError(f"card.yaml cannot be read: {' '.join(str(error).split())}") from None


def _card(fields, papers):
    _expect("the card", fields, REQUIRED, OPTIONAL)
    keys = _strings("papers", fields["papers"])
    if unknown := [key for key in keys if key not in papers]:
        raise BookError(f"no entry in chapters/papers.bib for {', '.join(unknown)}")
    if fields["level"] not in LEVELS:
        raise BookError(f"level must be 1, 2 or 3, but is {fields['level']!r}")
    symbols = _mapping("symbols", fields["symbols"])
    claims = _mapping("claims", fields["claims"])
    return Card(
        title=_text("title", fields["title"]),
        promise=_text("promise", fields["promise"]),
        papers=keys,
        needs=_strings("needs", fields["needs"]),
        level=fields["level"],
        minutes=_minutes(fields["minutes"]),
        symbols={str(symbol): _text(f"symbol {symbol}", meaning) for symbol, meaning in symbols.items()},
        claims={str(id): _claim(str(id), claim, papers) for id, claim in claims.items()},
        where=_text("where", fields.get("where", "")),
        gpu=_text("gpu", fields.get("gpu", "")),
        result=_result(fields.get("result")),
        references=tuple(papers[key] for key in keys),
    )


def _minutes(value):
    value = _mapping("minutes", value)
    _expect("minutes", value, ("read", "run", "exercises"))
    if wrong := [name for name, count in value.items() if not isinstance(count, int) or count < 0]:
        raise BookError(f"minutes: {wrong[0]} must be a whole number, at least 0, but is {value[wrong[0]]!r}")
    return Minutes(**value)


def _result(value):
    if value is None:
        return None
    value = _mapping("result", value)
    _expect("result", value, ("says", "code"), ("train",))
    return Result(**{name: _text(f"result: {name}", text) for name, text in value.items()})


def _claim(id, value, papers):
    where = f"claim {id!r}"
    value = _mapping(where, value)
    _expect(where, value, ("says", "source", "role", "measures"), ("paper",))
    if value["role"] not in ROLES:
        raise BookError(f"{where}: role must be one of {', '.join(ROLES)}, but is {value['role']!r}")
    measures = _mapping(f"{where}: measures", value["measures"])
    if not measures:
        raise BookError(f"{where} measures nothing")
    return Claim(
        id=id,
        says=_text(f"{where}: says", value["says"]),
        source=_source(_text(f"{where}: source", value["source"]), papers),
        role=value["role"],
        measures=tuple(_measure(f"{where}: {name}", str(name), measure) for name, measure in measures.items()),
        paper=str(value.get("paper", "")),
    )


def _measure(where, name, value):
    value = _mapping(where, value)
    if not name.isidentifier():
        raise BookError(f"{where}: a measure's name is a Python name, such as loss")
    _expect(where, value, ("is",), ("unit", *BOUNDS))
    try:
        bound = Bound.of(**{kind: value[kind] for kind in BOUNDS if kind in value})
    except ValueError as error:
        raise BookError(f"{where}: {error}") from None
    return Measure(name, _text(f"{where}: is", value["is"]), bound, str(value.get("unit", "")))


def _source(text, papers):
    """``key, Theorem 1`` with the paper's short citation in the key's place; other texts as they are."""
    key, comma, rest = text.partition(",")
    return papers[key].short + comma + rest if key in papers else text


def _expect(where, given, required, optional=()):
    if missing := [name for name in required if name not in given]:
        raise BookError(f"{where} lacks {', '.join(missing)}")
    if extra := [str(name) for name in given if name not in (*required, *optional)]:
        raise BookError(f"{where} has unknown fields {', '.join(extra)}; known are {', '.join((*required, *optional))}")


def _mapping(where, value):
    if not isinstance(value, dict):
        raise BookError(f"{where} must be a mapping (name: value), but is {value!r}")
    return value


def _strings(where, value):
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BookError(f"{where} must be a list of names, but is {value!r}")
    return tuple(value)


def _text(where, value):
    if not isinstance(value, str):
        raise BookError(f"{where} must be text, but is {value!r}")
    return value.strip()
