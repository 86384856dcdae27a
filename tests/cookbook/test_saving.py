"""A reader's work is never lost: what JupyterLab, another editor and a full disk may do to a chapter's files."""

import os

import nbformat
import pytest
from editing import edit
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupytext.sync_contentsmanager import build_sync_jupytext_contents_manager_class
from tornado.web import HTTPError

from cookbook.book import Book
from cookbook.build import build
from cookbook.errors import BookError

REAL = Book.here()


@pytest.fixture
def contents():
    """Jupytext's contents manager over a folder: what JupyterLab opens and saves by."""

    def over(folder):
        manager = build_sync_jupytext_contents_manager_class(LargeFileManager)()
        manager.root_dir = str(folder)
        return manager

    return over


def save(manager, name, change=lambda notebook: None):
    """Open a notebook and save it, as Ctrl+S and the autosave do."""
    notebook = manager.get(name)["content"]
    change(notebook)
    manager.save({"type": "notebook", "format": "json", "content": notebook}, name)


def touch(path, seconds):
    """Set a file's time ``seconds`` after that of its pair."""
    other = path.with_suffix(".py" if path.suffix == ".ipynb" else ".ipynb")
    time = other.stat().st_mtime + seconds
    os.utime(path, (time, time))


@pytest.mark.parametrize("name", [page.name for page in REAL.pages()])
def test_opening_and_saving_a_page_leaves_its_source_byte_identical(contents, tmp_path, name):
    page = REAL.page(name)
    copies = [tmp_path / path.name for path in (page.path, page.notebook, REAL.folder / "jupytext.toml")]
    for original, copy in zip((page.path, page.notebook, REAL.folder / "jupytext.toml"), copies, strict=True):
        copy.write_bytes(original.read_bytes())
    before = copies[0].read_bytes()
    for _ in range(2):
        save(contents(tmp_path), page.notebook.name)
        assert copies[0].read_bytes() == before


def test_an_edit_changes_only_what_was_edited_and_never_the_card(contents, book):
    page = book.page("example")
    build(page)
    source, card = page.path.read_text(), (page.chapter.folder / "card.yaml").read_bytes()

    def change(notebook):
        cell = next(cell for cell in notebook.cells if cell.source == "## Summary")
        cell.source = "## In five lines"

    save(contents(book.root), page.notebook.relative_to(book.root).as_posix(), change)
    assert page.path.read_text() == source.replace("# ## Summary", "# ## In five lines")
    assert (page.chapter.folder / "card.yaml").read_bytes() == card


def test_a_newer_notebook_that_says_something_else_is_not_overwritten(contents, book):
    page = book.page("example")
    build(page)
    notebook = nbformat.read(page.notebook, as_version=4)
    notebook.cells[0].source += "\n\nWritten in another editor."
    nbformat.write(notebook, page.notebook)
    touch(page.notebook, +60)
    edited = page.notebook.read_bytes()
    with pytest.raises(HTTPError, match="more recent"):
        contents(book.root).get(page.notebook.relative_to(book.root).as_posix())
    with pytest.raises(BookError, match=r"edited since it was built.*--overwrite"):
        build(page)
    assert page.notebook.read_bytes() == edited
    assert build(page, overwrite=True)
    assert "another editor" not in page.notebook.read_text()


def test_a_newer_notebook_that_says_the_same_opens(contents, book):
    page = book.page("example")
    build(page)
    touch(page.notebook, +60)
    save(contents(book.root), page.notebook.relative_to(book.root).as_posix())


def test_an_edited_source_rules_over_an_older_notebook(contents, book):
    page = book.page("example")
    build(page)
    edit(page.path, "## Summary", "## In five lines")
    touch(page.path, +60)
    opened = contents(book.root).get(page.notebook.relative_to(book.root).as_posix())["content"]
    assert "## In five lines" in [cell.source for cell in opened.cells]
    assert build(page)
