"""Claims: bounds, verdicts, tables."""

import math

import numpy as np
import pytest
import torch

from cookbook.claims import MIME, Bound, Claim, ClaimsTable, Measure, number


def claim(measured, *, id="id", says="text", role="message", unit="", paper="", **bound):
    measure = Measure("error", "the error", Bound.of(**bound), unit)
    return Claim(id, says, "us", role, (measure,), paper).measured(error=measured)


def worst(found):
    return found.worst(found.claim.measures[0])


@pytest.mark.parametrize(
    ("bound", "inside", "outside"),
    [
        ({"below": 1.0}, 1.0, 1.001),
        ({"above": 1.0}, 1.0, 0.999),
        ({"between": (1, 2)}, 1.5, 2.01),
        ({"close_to": (3, 0.5)}, 3.5, 3.6),
        ({"close_to": [3, 0]}, 3, 3.0001),
        ({"below": 0.0}, -1e-9, 1e-9),
    ],
)
def test_each_bound_holds_inside_and_fails_outside(bound, inside, outside):
    assert claim(inside, **bound).holds
    assert not claim(outside, **bound).holds


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("bound", [{"below": 1}, {"above": 1}, {"between": (0, 1)}, {"close_to": (0, 1)}])
def test_a_number_that_is_not_finite_never_holds(value, bound):
    assert not claim(value, **bound).holds


@pytest.mark.parametrize(
    "bound",
    [{}, {"below": 1, "above": 0}, {"between": (2, 1)}, {"close_to": (1, -1)}, {"below": None}, {"between": (1,)}],
)
def test_a_bound_that_makes_no_sense_is_refused(bound):
    with pytest.raises(ValueError, match=r"one bound|no room|needs"):
        claim(0.5, **bound)


def test_several_seeds_must_all_hold_and_the_worst_is_shown():
    kept = claim([0.1, 0.4, 0.2], below=0.5)
    assert kept.holds and worst(kept) == 0.4 and kept.figure(kept.claim.measures[0]) == "0.4 (worst of 3)"
    assert not claim([0.1, 0.6], below=0.5).holds
    assert not claim([0.1, math.nan], below=0.5).holds
    assert math.isnan(worst(claim([0.1, math.nan], below=0.5)))


@pytest.mark.parametrize(
    ("measured", "message"), [([], "measures nothing"), ("much", "a number"), ([None], "a number")]
)
def test_what_is_no_number_is_refused(measured, message):
    with pytest.raises(ValueError, match=message):
        claim(measured, below=1)


def test_a_claim_takes_exactly_its_measures():
    two = Claim("id", "text", "us", "message", tuple(Measure(n, n, Bound.of(below=1)) for n in ("loss", "span")))
    assert two.measured(loss=0, span=[0, 0.5]).holds and not two.measured(loss=0, span=2).holds
    for wrong in ({}, {"loss": 0}, {"loss": 0, "span": 0, "more": 0}):
        with pytest.raises(ValueError, match="decided by loss, span"):
            two.measured(**wrong)


@pytest.mark.parametrize("value", [torch.tensor(0.25), np.float32(0.25), torch.tensor([0.25, 0.1]), np.array([[0.25]])])
def test_tensors_and_arrays_are_numbers(value):
    assert worst(claim(value, below=0.3)) == 0.25


def test_margins_are_relative_room():
    assert Bound.of(below=2).margin(1) == pytest.approx(0.5)
    assert Bound.of(above=2).margin(3) == pytest.approx(0.5)
    assert Bound.of(between=(0, 4)).margin(1) == pytest.approx(0.5)
    assert Bound.of(close_to=(1, 0)).margin(1) == math.inf
    assert Bound.of(below=2).margin(3) < 0


def test_numbers_keep_three_digits():
    assert [number(x) for x in (20.0, 0.123456, 1.5e-9, 0)] == ["20", "0.123", "1.5e-09", "0"]


def test_a_measured_line_shows_sentence_number_and_bound_and_escapes_what_authors_write():
    html = claim(2, says="p < q & r", unit="m", below=1)._repr_html_()
    assert "✗" in html and "p &lt; q &amp; r" in html and "<b>2 m</b>" in html and "claimed ≤ 1" in html
    assert "✓" in claim(0, below=1)._repr_html_()


def test_the_table_is_text_html_and_data():
    rows = [claim(0.1, below=1), claim(2, id="b", says="p < q & r", unit="m", paper="3", role="control", below=1)]
    bundle = ClaimsTable("page", "fast", 3, rows)._repr_mimebundle_()
    assert "1 of 2 claims hold" in bundle["text/plain"]
    assert "p &lt; q &amp; r" in bundle["text/html"] and "Control." in bundle["text/html"]
    data = bundle[MIME]
    assert (data["page"], data["scale"], data["seed"]) == ("page", "fast", 3)
    assert [row["holds"] for row in data["claims"]] == [True, False]
    assert data["claims"][1]["measures"][0]["worst"] == "2" and data["claims"][1]["role"] == "control"


def test_checks_are_folded_into_one_line_that_names_those_that_fail():
    rows = [claim(0, id="a", says="A reader reads this", below=1)]
    rows += [claim(0, id="fine", role="check", below=1), claim(9, id="wrong", role="check", below=1)]
    html = ClaimsTable("page", "fast", 0, rows).html()
    assert html.count("<tr>") == 2 and "1 of 2 checks of the implementation hold" in html
    assert "FAILS  wrong" in html and "fine" not in html
