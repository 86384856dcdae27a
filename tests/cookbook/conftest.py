"""A small book in a temporary folder, whose one chapter every rule accepts."""

import shutil

import pytest
from editing import edit

from cookbook.book import Book
from cookbook.skeleton import new_chapter

REAL = Book.here()


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book with the real parts and papers and one chapter, ``example``, that runs in a second."""
    (tmp_path / "chapters").mkdir()
    for name in ("parts.yaml", "papers.bib"):
        shutil.copy(REAL.folder / name, tmp_path / "chapters" / name)
    monkeypatch.setenv("COOKBOOK_ROOT", str(tmp_path))
    book = Book(tmp_path)
    path = new_chapter(book, "2_spectral/07_example", title="", paper="balestriero2022spectral")
    claims = "\n".join(f'ch.claim("c{i}", "a claim", measured=1, below=2, control={i == 0})' for i in range(3))
    edit(
        path,
        'ch.claim("what-the-paper-claims", "One sentence, and where the paper says it", measured=np.nan, below=1e-6)',
        claims,
    )
    return book
