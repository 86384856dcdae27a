"""A small book in a temporary folder, whose one chapter every rule accepts."""

import shutil

import pytest
import yaml
from editing import edit

from cookbook.book import Book
from cookbook.skeleton import new_chapter

REAL = Book.here()


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book with the real parts and papers and one chapter, ``example``, that runs in a second."""
    (tmp_path / "chapters").mkdir()
    for name in ("parts.yaml", "papers.bib", "jupytext.toml"):
        shutil.copy(REAL.folder / name, tmp_path / "chapters" / name)
    monkeypatch.setenv("COOKBOOK_ROOT", str(tmp_path))
    book = Book(tmp_path)
    folder = new_chapter(book, "2_spectral/07_example", title="", paper="balestriero2022spectral")
    fill_in(folder, "example")
    return book


def fill_in(folder, slug):
    """Measure the skeleton's claims, and give its lesson the three more messages that a lesson needs."""
    card = yaml.safe_load((folder / "card.yaml").read_text("utf-8"))
    more = [f"more{i}" for i in range(3)]
    card["claims"] |= {name: card["claims"]["first"] for name in more}
    (folder / "card.yaml").write_text(yaml.safe_dump(card, sort_keys=False), "utf-8")
    lesson = folder / f"{slug}.py"
    edit(lesson, 'ch.measure("first", error=np.nan)', 'ch.measure("first", error=0)\nch.measure("more0", error=0)')
    control = "\n\n# %%\n".join(f'ch.measure("{name}", error={value})' for name, value in
                                [("more1", 0), ("more2", 0), ("control", 1)])  # fmt: skip
    edit(lesson, 'ch.measure("control", error=np.nan)', control)
    edit(folder / f"{slug}_lab.py", "error=np.nan", "error=0")
