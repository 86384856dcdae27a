"""Files are written whole or not at all."""

import os

import pytest

from cookbook.build import build
from cookbook.files import replacing, write_text


def _full(*_):
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_an_interruption_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as partial:
        partial.write_text("half of")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_the_mode_of_a_file_stays(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    path.chmod(0o600)
    write_text(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600 and path.read_text() == "new"


def test_building_on_a_full_disk_keeps_the_stored_notebook(book, monkeypatch):
    page = book.page("example")
    build(page)
    stored = page.notebook.read_bytes()
    page.path.write_text(page.path.read_text().replace("## Summary", "## In five lines"))
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space"):
        build(page)
    assert page.notebook.read_bytes() == stored
    assert sorted(path.suffix for path in page.chapter.folder.iterdir() if path.name.startswith(".")) == []
