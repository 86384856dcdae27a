"""Each rule of the contract, tested by a file that breaks it."""

import nbformat
import pytest
import yaml
from editing import edit

from cookbook.build import assemble, build
from cookbook.check import BOOK_RULES, CHAPTER_RULES, PAGE_RULES, check
from cookbook.notation import notation_markdown, notation_path
from cookbook.notebooks import read_source
from cookbook.skeleton import new_chapter
from cookbook.stored import stored_claims
from cookbook.toc import BEGIN, END


@pytest.fixture(scope="module")
def executed():
    """The example's notebooks, computed once for all tests of this file."""
    return {}


@pytest.fixture
def chapter(book, executed):
    """The example, built and clean."""
    chapter = book.find("example")
    for page in chapter.pages:
        if page.name not in executed:
            build(page)
            executed[page.name] = page.notebook.read_text("utf-8")
        page.notebook.write_text(executed[page.name], "utf-8")
    notation_path(book).write_text(notation_markdown(book), "utf-8")
    assert check(book) == []
    return chapter


@pytest.fixture
def card(chapter):
    """Change the card by ``change(fields)``."""

    def rewrite(change):
        path = chapter.folder / "card.yaml"
        fields = yaml.safe_load(path.read_text("utf-8"))
        change(fields)
        path.write_text(yaml.safe_dump(fields, sort_keys=False), "utf-8")

    return rewrite


def rules(book):
    return {problem.rule for problem in check(book)}


def messages(book, rule):
    return " ".join(problem.message for problem in check(book) if problem.rule == rule)


def rewrite(page, change):
    """Change the stored notebook by ``change(notebook)``."""
    notebook = nbformat.read(page.notebook, as_version=4)
    change(notebook)
    nbformat.write(notebook, page.notebook)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


LONG = "\n# ".join(["word " * 20] * 11)
LESSON = {
    "title": [("# # Example", "# # Another name")],
    "parameters": [("seed = 0", "seed = 1"), ('tags=["parameters"]', 'tags=["settings"]')],
    "pairing": [("# ## Summary", "# ## In five lines")],
    "saving": [
        ("# %% [markdown]\n# # Example", "# ---\n# jupyter:\n#   x: y\n# ---\n\n# %% [markdown]\n# # Example"),
        ('jupyter={"source_hidden": true} tags=["parameters"]', 'tags=["parameters"] jupyter={"source_hidden": true}'),
    ],
    "stale": [("cb.log_slider(1, 0.1, 10)", "cb.log_slider(1, 0.1, 100)")],
    "ending": [("ch.report()", "pass"), ("ch.footer()", "pass")],
    "slider": [("cb.explore(", "print(")],
    "links": [("# ## Summary", "# ## Summary\n# [gone](../gone.ipynb)"), ("# ## Summary", "# ![picture](gone.png)")],
    "wrapping": [("# ## Summary", "# - A paper of\n#   2021. Another.")],
    "length": [("# ## Summary", "# ## Summary\n" + "#\n" * 350)],
    "cell_length": [('ch.measure("more1", error=0)', "\n".join(["x = 1"] * 12) + '\nch.measure("more1", error=0)')],
    "cell_words": [("# ## Summary", "# " + LONG)],
    "measures": [('ch.measure("more1", error=0)', 'ch.measure("more1", error=0)\n' * 3)],
    "exercises": [
        ('[markdown] tags=["exercise"]', "[markdown]"),
        ("**1** ●○○ 5 min. ", "**1** "),
        ("<summary>Hint</summary>", "<summary>Help</summary>"),
        ('tags=["answer"]', 'tags=["other"]'),
    ],
    "answers": [
        ("# Your answer", "42"),
        ("# ## Summary", "# **Solution.** 42"),
        ("# ## Summary", "# <details><summary>Answer</summary>42</details>"),
        ('tags=["answer"]', 'tags=["answer", "solution"]'),
    ],
    "claims": [
        ('ch.measure("more1", error=0)', "pass"),
        ('ch.measure("more1", error=0)', 'ch.measure("more0", error=0)'),
        ('ch.measure("more1", error=0)', 'ch.measure("unknown", error=0)'),
        ('ch.measure("more1", error=0)', 'name = "more1"\nch.measure(name, error=0)'),
    ],
    "messages": [('ch.measure("more1", error=0)', "pass")],
    "solutions": [("**1** ●○○ 5 min. ", "**2** ●○○ 5 min. "), ("●○○", "●●○")],
}
CASES = [(rule, old, new) for rule, edits in LESSON.items() for old, new in edits]


@pytest.mark.parametrize(("rule", "old", "new"), CASES)
def test_a_lesson_that_breaks_a_rule_is_found(book, chapter, rule, old, new):
    edit(chapter.lesson.path, old, new)
    assert rule in rules(book)


def test_a_slider_at_the_end_is_found(book, chapter):
    lines = chapter.lesson.path.read_text().split("# %%")
    slider = next(cell for cell in lines if "cb.explore(" in cell)
    lines.remove(slider)
    chapter.lesson.path.write_text("# %%".join([*lines[:-1], slider, lines[-1]]))
    assert "first two thirds" in messages(book, "slider")


def test_a_lab_is_bound_like_a_lesson_and_may_be_longer(book, chapter):
    lab = chapter.pages[1]
    edit(lab.path, "# For those", "#\n" * 360 + "# For those")
    assert "length" not in rules(book)
    edit(lab.path, "# For those", "#\n" * 40 + "# For those")
    assert "at most 400 are allowed for a lab" in messages(book, "length")


CARD = {
    "needs": lambda fields: fields.update(needs=["missing"]),
    "claims": lambda fields: fields["claims"].update(new=fields["claims"]["first"]),
    "messages": lambda fields: fields["claims"]["control"].update(role="check"),
    "symbols": lambda fields: fields.update(symbols={}),
    "card": lambda fields: fields.pop("minutes"),
    "stale": lambda fields: fields["claims"]["first"].update(says="Another sentence."),
    "notation": lambda fields: fields["symbols"].update(q="a new symbol"),
}


@pytest.mark.parametrize("rule", CARD)
def test_a_card_that_breaks_a_rule_is_found(book, chapter, card, rule):
    card(CARD[rule])
    assert rule in rules(book)


def test_drawings_that_changed_make_the_outputs_stale(book, chapter):
    edit(chapter.figures, "np.linspace(0, 1)", "np.linspace(0, 2)")
    assert rules(book) == {"stale"}


def test_a_missing_page_is_found(book, chapter):
    chapter.pages[1].path.unlink()
    assert "there is no page example_lab.py" in messages(book, "pages")


def test_two_meanings_of_a_symbol_are_found(book, chapter):
    new_chapter(book, "2_spectral/08_other", title="", paper="balestriero2022spectral")
    edit(book.find("other").folder / "card.yaml", "w: the weight", "w: the width")
    assert "symbol w means 'the width" in messages(book, "symbols")


def _error(notebook):
    code_cells(notebook)[0].outputs = [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]


def _unexecuted(notebook):
    code_cells(notebook)[0].execution_count = None


def _too_large(notebook):
    code_cells(notebook)[0].outputs = [nbformat.v4.new_output("stream", text="x" * 400_000)]


def _failed(notebook):
    stored_claims(notebook)["claims"][0]["holds"] = False


def _no_table(notebook):
    for cell in code_cells(notebook):
        cell.outputs = [] if "report" in cell.source else cell.outputs


def _late_picture(notebook):
    first = next(cell for cell in notebook.cells if "explore" in cell.source)
    first.outputs = []
    notebook.cells[2].source = "\n".join(["x = 1"] * 13)
    notebook.cells[2].metadata = {}


def _answered(notebook):
    cell = next(cell for cell in code_cells(notebook) if "Your answer" in cell.source)
    cell.outputs = [nbformat.v4.new_output("stream", text="42")]


def _other_scale(notebook):
    notebook.metadata.cookbook_build["scale"] = "fast"


def _other_kernel(notebook):
    notebook.metadata.kernelspec["name"] = "another"


NOTEBOOK = [
    ("errors", _error),
    ("executed", _unexecuted),
    ("size", _too_large),
    ("stored", _failed),
    ("stored", _no_table),
    ("opening", _late_picture),
    ("answers", _answered),
    ("stale", _other_scale),
    ("stale", _other_kernel),
    ("stale", _failed),
]


@pytest.mark.parametrize(("rule", "change"), NOTEBOOK)
def test_a_notebook_that_breaks_a_rule_is_found(book, chapter, rule, change):
    rewrite(chapter.lesson, change)
    assert rule in rules(book)


def test_a_missing_or_unreadable_notebook_is_found(book, chapter):
    chapter.lesson.notebook.write_text("{")
    assert "readable" in rules(book)
    chapter.lesson.notebook.unlink()
    assert rules(book) == {"built"}


def test_a_notebook_edited_elsewhere_is_named_as_such(book, chapter):
    rewrite(chapter.lesson, lambda notebook: notebook.cells[0].update(source="# Example\n\nMy note."))
    assert "edited by something that does not write example.py" in messages(book, "pairing")


def test_an_outdated_map_readme_and_notation_are_found(book, chapter):
    (book.root / "README.md").write_text(f"{BEGIN}\nold\n{END}\n")
    notation_path(book).write_text("old")
    lesson = chapter.lesson
    edit(lesson.path, "ch.report()", "cb.contents()\nch.report()")
    nbformat.write(assemble(lesson, read_source(lesson)), lesson.notebook)
    where = {(problem.where, problem.rule) for problem in check(book)}
    assert {
        ("README.md", "readme"),
        ("chapters/notation.md", "notation"),
        ("chapters/2_spectral/07_example/example.py", "contents"),
    } <= where


def test_every_rule_is_broken_by_some_test():
    tested = {*LESSON, *CARD, *(rule for rule, _ in NOTEBOOK), "built", "contents", "pages", "readme"} - {"card"}
    assert {*PAGE_RULES, *CHAPTER_RULES, *BOOK_RULES} == tested


def test_a_chapter_can_be_checked_alone(book, chapter):
    new_chapter(book, "2_spectral/08_other", title="", paper="balestriero2022spectral")
    assert check(book, ["example"]) == [] and check(book, ["other"]) != []


def test_a_broken_card_is_found_where_its_chapter_is_named(book, chapter):
    new_chapter(book, "2_spectral/00_part", title="", paper="balestriero2022spectral")
    edit(book.folder / "2_spectral/00_part/card.yaml", "level: 2", "level: high")
    assert {problem.rule for problem in check(book, ["part_2"])} == {"card"}
    assert check(book, ["example"]) == []
