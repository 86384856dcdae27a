"""Whatever a file of the book holds, the tools name it in a sentence, and the other chapters are as they were."""

import copy
import json
import random

import pytest
import yaml
from typer.testing import CliRunner

from cookbook.build import build
from cookbook.check import check
from cookbook.cli import app
from cookbook.errors import BookError
from cookbook.skeleton import new_chapter

STRANGE = [None, [], {}, 0, -1.5, "", "text", [[]], {"a": []}, True, [None], "\x00", "2026-13-45", 10**30]


@pytest.fixture(scope="module")
def whole():
    """The text of the example's files, built once."""
    return {}


@pytest.fixture
def chapter(book, whole):
    chapter = book.find("example")
    if not whole:
        build(chapter.lesson)
        whole["ipynb"] = chapter.lesson.notebook.read_text("utf-8")
        whole["card"] = (chapter.folder / "card.yaml").read_text("utf-8")
        whole["py"] = chapter.lesson.path.read_text("utf-8")
    chapter.lesson.notebook.write_text(whole["ipynb"], "utf-8")
    new_chapter(book, "2_spectral/08_other", title="", paper="balestriero2022spectral")
    return chapter


def places(tree, path=()):
    """The path of every value in nested lists and mappings."""
    yield path
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))


def spoiled_trees(tree, draw):
    """The tree with one value after another replaced by something strange, or missing."""
    for path in list(places(tree))[1:]:
        spoiled = copy.deepcopy(tree)
        inside = spoiled
        for key in path[:-1]:
            inside = inside[key]
        if draw.random() < 0.3:
            del inside[path[-1]]
        else:
            inside[path[-1]] = draw.choice(STRANGE)
        yield spoiled
    yield from STRANGE


def spoiled_texts(text, draw, count=40):
    """The text cut, doubled, shuffled, or with bytes that are no letters."""
    lines = text.splitlines(keepends=True)
    for _ in range(count):
        i, j = sorted(draw.sample(range(len(lines)), 2))
        yield "".join(lines[:i] + lines[j:]).encode()
        yield "".join(lines[:j] + lines[i:]).encode()
        yield text[: draw.randrange(len(text))].encode()
        at = draw.randrange(len(text))
        yield text[:at].encode() + draw.choice([b"\xff\xfe", b"\x00", b"[" * 5000, b"\t- :", b'"""', "𝟙".encode()])


def survives(book):
    """The tools end in sentences: no exception but ours, and the other chapter is still found."""
    try:
        problems = check(book)
    except BookError:
        return
    assert any("08_other" in problem.where for problem in problems)
    for words in (["list"], ["claims"], ["show", "example"], ["show", "other"]):
        result = CliRunner().invoke(app, words)
        assert result.exception is None or isinstance(result.exception, (SystemExit, BookError)), words


def test_a_damaged_card(book, chapter, whole):
    card, draw = chapter.folder / "card.yaml", random.Random(0)
    for tree in spoiled_trees(yaml.safe_load(whole["card"]), draw):
        card.write_text(yaml.safe_dump(tree), "utf-8")
        survives(book)
    for text in spoiled_texts(whole["card"], draw, 5):
        card.write_bytes(text)
        survives(book)


def test_a_damaged_notebook(book, chapter, whole):
    draw = random.Random(1)
    trees = list(spoiled_trees(json.loads(whole["ipynb"]), draw))
    for tree in draw.sample(trees, 50):
        chapter.lesson.notebook.write_text(json.dumps(tree), "utf-8")
        survives(book)
    for text in spoiled_texts(whole["ipynb"], draw, 5):
        chapter.lesson.notebook.write_bytes(text)
        survives(book)


def test_a_damaged_source(book, chapter, whole):
    for text in spoiled_texts(whole["py"], random.Random(2), 6):
        chapter.lesson.path.write_bytes(text)
        survives(book)


@pytest.mark.parametrize("name", ["parts.yaml", "papers.bib"])
def test_a_damaged_file_of_the_book(book, chapter, name):
    path = book.folder / name
    whole = path.read_text("utf-8")
    for text in spoiled_texts(whole, random.Random(3), 4):
        path.write_bytes(text)
        for words in (["list"], ["show", "example"], ["check"]):
            result = CliRunner().invoke(app, words)
            assert result.exception is None or isinstance(result.exception, (SystemExit, BookError)), words
