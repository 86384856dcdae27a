"""Each rule of the contract, tested by a file that breaks it."""

import nbformat
import pytest
from editing import edit

from cookbook.build import assemble, build
from cookbook.check import RULES, check
from cookbook.contents import BEGIN, END
from cookbook.notebooks import read_source, stored_claims


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The example's outputs, computed once for all tests of this file."""
    return {}


@pytest.fixture
def chapter(book, executed):
    """The card of a chapter that is built and clean."""
    card = book.find("example")
    if not executed:
        build(card)
        executed["text"] = card.notebook.read_text("utf-8")
    card.notebook.write_text(executed["text"], "utf-8")
    assert check(book) == []
    return card


def rules(book):
    return {problem.rule for problem in check(book)}


def rewrite(card, change):
    """Change the stored notebook by ``change(notebook)``."""
    notebook = nbformat.read(card.notebook, as_version=4)
    change(notebook)
    nbformat.write(notebook, card.notebook)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


BROKEN_SOURCE = {
    "title": ("# # Example", "# # Another name"),
    "parameters": ("seed = 0", "seed = 1"),
    "pairing": ("# ## The question", "# ## A new question"),
    "stale": ("lam=cb.log_slider(1, 0.1, 10)", "lam=cb.log_slider(1, 0.1, 100)"),
    "claims": ("ch.report()", "pass"),
    "slider": ("cb.explore(", "print("),
    "exercises": ('# %% tags=["solution"]', '# %% tags=["other"]'),
    "links": ("# ## References", "# ## References\n# [gone](../gone.ipynb)"),
    "wrapping": ("# ## References", "# ## References\n# - A paper of\n#   2021. Another."),
    "card": ("#     minutes: 20\n", ""),
}


@pytest.mark.parametrize("rule", BROKEN_SOURCE)
def test_a_source_that_breaks_a_rule_is_found(book, chapter, rule):
    edit(chapter.path, *BROKEN_SOURCE[rule])
    assert rule in rules(book)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('tags=["nbval-check-output"]', 'tags=["other"]', "claims"),
        (' jupyter={"source_hidden": true}', "", "exercises"),
        ('# %% [markdown] tags=["exercise"]', "# %% [markdown]", "exercises"),
        ("needs: []", "needs: [missing]", "links"),
        ("[balestriero2022spectral]", "[nobody]", "card"),
        ("# ## References", "# ## References\n# ![picture](gone.png)", "links"),
    ],
)
def test_other_ways_to_break_a_source_are_found(book, chapter, old, new, rule):
    edit(chapter.path, old, new)
    assert rule in rules(book)


def _error(notebook):
    code_cells(notebook)[0].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]


def _unexecuted(notebook):
    code_cells(notebook)[0].execution_count = None


def _too_large(notebook):
    code_cells(notebook)[0].outputs = [nbformat.v4.new_output("stream", text="x" * 400_000)]


def _no_claims(notebook):
    code_cells(notebook)[-2].outputs = []


def _other_scale(notebook):
    notebook.metadata.cookbook_build["scale"] = "fast"


BROKEN_NOTEBOOK = {
    "errors": _error,
    "executed": _unexecuted,
    "size": _too_large,
    "claims": _no_claims,
    "stale": _other_scale,
}


@pytest.mark.parametrize("rule", BROKEN_NOTEBOOK)
def test_a_notebook_that_breaks_a_rule_is_found(book, chapter, rule):
    rewrite(chapter, BROKEN_NOTEBOOK[rule])
    assert rule in rules(book)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:2], "2 claims are reported, at least 3 are expected"),
        (lambda rows: [row | {"control": False} for row in rows], "no claim says what should not happen"),
    ],
)
def test_too_few_claims_or_no_control_are_found(book, chapter, change, message):
    def rewrite_claims(notebook):
        table = stored_claims(notebook)
        table["claims"] = change(table["claims"])

    rewrite(chapter, rewrite_claims)
    assert [message in problem.message for problem in check(book)] == [True]


def test_a_missing_notebook_is_found(book, chapter):
    chapter.notebook.unlink()
    assert rules(book) == {"built"}


def test_an_outdated_map_and_readme_are_found(book, chapter):
    (book.root / "README.md").write_text(f"{BEGIN}\nold\n{END}\n")
    edit(chapter.path, "plt.close", "cb.contents()\nplt.close")
    notebook = read_source(chapter)
    nbformat.write(assemble(chapter, notebook), chapter.notebook)
    assert {problem.where for problem in check(book) if problem.rule == "contents"} == {
        "README.md",
        "2_spectral/07_example.py",
    }


def test_every_rule_is_broken_by_some_test():
    assert set(RULES) | {"card"} == {*BROKEN_SOURCE, *BROKEN_NOTEBOOK, "built", "contents"}


def test_the_real_book_is_clean_where_it_is_named(book, chapter):
    assert check(book, ["example"]) == []
