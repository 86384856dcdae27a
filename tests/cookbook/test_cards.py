"""Cards: what is read, and what is refused with a sentence."""

import pytest
import yaml

from cookbook.cards import read_card
from cookbook.errors import BookError


@pytest.fixture
def card(book):
    """Read the example's card after ``change(fields)``."""
    path = book.find("example").folder / "card.yaml"

    def read(change=lambda fields: None):
        fields = yaml.safe_load(path.read_text("utf-8"))
        fields = change(fields) or fields
        path.write_text(yaml.safe_dump(fields), "utf-8")
        return read_card(path, book.papers)

    return read


def test_a_card_says_for_whom_it_is_and_what_it_claims(card):
    read = card(lambda fields: fields.update(result={"says": "one", "code": "losses.vicreg"}))
    assert (read.stars, read.minutes.read, read.result.train) == ("●●○", 30, "")
    assert str(read.minutes) == "30 min to read, 1 to run, 60 with pencil and keyboard"
    claim = read.claims["first"]
    assert (claim.source, claim.role) == ("Balestriero & LeCun 2022, Theorem 1", "message")
    assert str(claim.measures[0].bound) == "≤ 1e-06"
    assert read.claims["control"].source == "this book"


def _set(*path):
    *way, value = path

    def change(fields):
        for key in way[:-1]:
            fields = fields[key]
        fields[way[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: fields.pop("minutes") and None, "lacks minutes"),
        (_set("colour", "red"), "unknown fields colour"),
        (_set("papers", ["nobody1900"]), "no entry .* nobody1900"),
        (_set("papers", "balestriero2022spectral"), "papers must be a list"),
        (_set("level", 4), "level must be 1, 2 or 3"),
        (_set("minutes", 20), "minutes must be a mapping"),
        (_set("minutes", "read", -1), "minutes: read must be a whole number"),
        (_set("symbols", ["w"]), "symbols must be a mapping"),
        (_set("title", 3), "title must be text"),
        (_set("result", {"code": "x"}), "result lacks says"),
        (lambda fields: fields["claims"]["first"].pop("source") and None, "claim 'first' lacks source"),
        (_set("claims", "first", "role", "finding"), "role must be one of message, control, check"),
        (_set("claims", "first", "measures", {}), "measures nothing"),
        (_set("claims", "first", "measures", {"not-a-name": {"is": "x", "below": 1}}), "a Python name"),
        (_set("claims", "first", "measures", "error", {"is": "x"}), "one bound is needed"),
        (_set("claims", "first", "measures", "error", {"is": "x", "below": "a"}), "below needs a number"),
        (_set("claims", "first", "measures", "error", {"is": "x", "between": 1}), "between needs two numbers"),
        (_set("claims", "first", "measures", "error", {"is": "x", "between": [2, 1]}), "leaves no room"),
        (_set("claims", "first", "measures", "error", {"below": 1}), "lacks is"),
        (lambda fields: ["a list"], "the card must be a mapping"),
    ],
)
def test_a_broken_card_says_what_is_wrong(card, change, message):
    with pytest.raises(BookError, match=message):
        card(change)


def test_a_file_that_is_no_text_is_refused(book):
    path = book.find("example").folder / "card.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BookError, match="cannot be read"):
        read_card(path, book.papers)
