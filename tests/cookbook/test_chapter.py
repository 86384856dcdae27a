"""Opening a page: seeds, scales, drawings, claims, and the ways to other pages."""

import random

import numpy as np
import pytest
import torch
from editing import edit

import cookbook as cb
from cookbook.errors import BookError
from cookbook.skeleton import new_chapter


@pytest.fixture(autouse=True)
def no_scale(monkeypatch):
    monkeypatch.delenv("COOKBOOK_SCALE", raising=False)


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in order."""
    things = []
    for module in ("chapter", "source"):
        monkeypatch.setattr(f"cookbook.{module}.display", things.append)
    return things


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


def test_a_claim_shows_itself_wherever_it_stands_and_is_replaced_when_run_again(book, shown):
    ch = cb.Chapter("example")
    ch.measure("first", error=5)
    ch.measure("more0", error=0)
    ch.measure("first", error=0)
    assert [str(thing)[:5] for thing in shown[1:]] == ["FAILS", "holds", "holds"]
    assert [(claim.id, claim.holds) for claim in ch.measured.values()] == [("first", True), ("more0", True)]


def test_a_claim_that_is_not_on_the_card_is_met_with_a_suggestion(book):
    ch = cb.Chapter("example_lab")
    with pytest.raises(ValueError, match="no claim 'furter'; did you mean 'further'"):
        ch.measure("furter", error=0)
    with pytest.raises(ValueError, match="decided by error"):
        ch.measure("further", loss=0)


def test_the_report_fails_with_the_claims_that_do_not_hold(book):
    ch = cb.Chapter("example")
    ch.measure("first", error=0)
    ch.report()
    ch.measure("control", error=float("nan"))
    with pytest.raises(cb.ClaimsFailed, match="1 of 2 claims do not hold:\nFAILS  control: error nan"):
        ch.report()


def test_drawings_come_from_the_file_beside_the_notebook(book):
    assert cb.Chapter("example_lab").figures.power.__doc__ == "The curve that the slider bends."
    book.find("example").figures.unlink()
    with pytest.raises(BookError, match=r"there is no figures\.py"):
        _ = cb.Chapter("example").figures


def test_the_header_links_what_is_needed_and_the_footer_leads_on(book, shown):
    new_chapter(book, "2_spectral/08_other", title="", paper="balestriero2022spectral")
    edit(book.find("other").folder / "card.yaml", "needs: []", "needs: [example, missing]")
    ch = cb.Chapter("other")
    header = shown[0]._repr_html_()
    assert '<a href="../07_example/example.ipynb">Example</a>' in header and "<code>missing</code>" in header
    assert "Level ●●○ · 30 min to read" in header and "the section that the chapter takes up" in header
    ch.footer()
    footer = shown[-1]._repr_html_()
    assert '← <a href="../07_example/example.ipynb">Example</a>' in footer
    assert '<a href="other_lab.ipynb">lab</a>' in footer and "→" not in footer


def test_source_shows_itself_without_its_docstring(shown):
    assert cb.show_source(cb.log_slider) is None
    code = shown[0].data
    assert code.startswith("def log_slider(") and '"""' not in code and "return widgets" in code
    with pytest.raises(ValueError, match="function, class or module"):
        cb.show_source(3)


def test_methods_keep_their_colours():
    assert cb.color("vicreg") != cb.color("simclr")
    with pytest.raises(ValueError, match=r"cookbook/style\.py"):
        cb.color("unheard of")
