"""Claims: bounds, verdicts, tables."""

import math

import numpy as np
import pytest
import torch

from cookbook.claims import MIME, Bound, ClaimsTable, make_claim, number


def claim(measured, **bound):
    return make_claim("id", "text", measured=measured, unit="", paper="", source="us", control=False, **bound)


@pytest.mark.parametrize(
    ("bound", "inside", "outside"),
    [
        ({"below": 1.0}, 1.0, 1.001),
        ({"above": 1.0}, 1.0, 0.999),
        ({"between": (1, 2)}, 1.5, 2.01),
        ({"close_to": (3, 0.5)}, 3.5, 3.6),
        ({"close_to": (3, 0)}, 3, 3.0001),
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


@pytest.mark.parametrize("bound", [{}, {"below": 1, "above": 0}, {"between": (2, 1)}, {"close_to": (1, -1)}])
def test_a_bound_that_makes_no_sense_is_refused(bound):
    with pytest.raises(ValueError, match=r"exactly one|no room"):
        claim(0.5, **bound)


def test_several_seeds_must_all_hold_and_the_worst_is_shown():
    kept = claim([0.1, 0.4, 0.2], below=0.5)
    assert kept.holds and kept.worst == 0.4 and kept.figure == "0.4 (worst of 3)"
    assert not claim([0.1, 0.6], below=0.5).holds
    assert not claim([0.1, math.nan], below=0.5).holds
    assert math.isnan(claim([0.1, math.nan], below=0.5).worst)
    with pytest.raises(ValueError, match="measures nothing"):
        claim([], below=1)


@pytest.mark.parametrize("value", [torch.tensor(0.25), np.float32(0.25), torch.tensor([0.25, 0.1]), np.array([[0.25]])])
def test_tensors_and_arrays_are_numbers(value):
    assert claim(value, below=0.3).worst == 0.25


def test_margins_are_relative_room():
    assert Bound.of(below=2).margin(1) == pytest.approx(0.5)
    assert Bound.of(above=2).margin(3) == pytest.approx(0.5)
    assert Bound.of(between=(0, 4)).margin(1) == pytest.approx(0.5)
    assert Bound.of(close_to=(1, 0)).margin(1) == math.inf
    assert Bound.of(below=2).margin(3) < 0


def test_numbers_keep_three_digits():
    assert [number(x) for x in (20.0, 0.123456, 1.5e-9, 0)] == ["20", "0.123", "1.5e-09", "0"]


def test_the_table_is_text_html_and_data_and_escapes_what_authors_write():
    rows = [
        claim(0.1, below=1),
        make_claim("b", "p < q & r", measured=2, unit="m", paper="3", source="x", control=True, below=1),
    ]
    bundle = ClaimsTable("slug", "fast", 3, rows)._repr_mimebundle_()
    assert "1 of 2 claims hold" in bundle["text/plain"]
    assert "p &lt; q &amp; r" in bundle["text/html"] and "negative control" in bundle["text/html"]
    data = bundle[MIME]
    assert (data["slug"], data["scale"], data["seed"]) == ("slug", "fast", 3)
    assert [row["holds"] for row in data["claims"]] == [True, False]
    assert data["claims"][1]["worst"] == "2" and data["claims"][1]["control"]
