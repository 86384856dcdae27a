"""Opening a chapter: seeds, scales, claims."""

import random

import numpy as np
import pytest
import torch

import cookbook as cb


@pytest.fixture(autouse=True)
def no_scale(monkeypatch):
    monkeypatch.delenv("COOKBOOK_SCALE", raising=False)


def test_it_seeds_every_generator(book):
    drawn = []
    for _ in range(2):
        cb.Chapter("example", seed=4)
        drawn.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert drawn[0] == drawn[1]


def test_scale_is_the_parameter_unless_the_environment_says_otherwise(book, monkeypatch):
    ch = cb.Chapter("example", scale="fast")
    assert (ch.scale, ch.pick(fast=1, toy=2, paper=3)) == ("fast", 1)
    monkeypatch.setenv("COOKBOOK_SCALE", "toy")
    assert cb.Chapter("example", scale="fast").pick(fast=1, toy=2) == 2
    monkeypatch.setenv("COOKBOOK_SCALE", "paper")
    assert cb.Chapter("example").pick(fast=1, toy=2) == 2


@pytest.mark.parametrize("options", [{"scale": "large"}, {"seed": -1}, {"seed": 0.5}])
def test_a_wrong_scale_or_seed_is_refused(book, options):
    with pytest.raises(ValueError, match="must be"):
        cb.Chapter("example", **options)


def test_claims_name_the_paper_unless_told_and_are_replaced_when_run_again(book):
    ch = cb.Chapter("example")
    ch.claim("a", "text", measured=1, below=2)
    ch.claim("b", "text", measured=1, below=2, source="ours")
    ch.claim("a", "text", measured=5, below=2)
    assert [(c.id, c.source, c.holds) for c in ch.claims] == [
        ("a", "Balestriero & LeCun 2022", False),
        ("b", "ours", True),
    ]


def test_the_report_fails_with_the_claims_that_do_not_hold(book, capsys):
    ch = cb.Chapter("example")
    ch.claim("good", "text", measured=1, below=2)
    ch.report()
    ch.claim("bad", "text", measured=float("nan"), below=2)
    with pytest.raises(cb.ClaimsFailed, match="1 of 2 claims do not hold:\nFAILS  bad: measured nan"):
        ch.report()
    capsys.readouterr()
    ch.verdicts()
    assert capsys.readouterr().out == "holds  good\nFAILS  bad\n"


def test_source_is_shown_without_its_docstring():
    code = cb.show_source(cb.log_slider).data
    assert code.startswith("def log_slider(") and '"""' not in code and "return widgets" in code
    with pytest.raises(ValueError, match="function, class or module"):
        cb.show_source(3)


def test_methods_keep_their_colours():
    assert cb.color("vicreg") != cb.color("simclr")
    with pytest.raises(ValueError, match=r"cookbook/style\.py"):
        cb.color("unheard of")
