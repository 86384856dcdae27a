"""The real book keeps its contract, and its claims hold where they are stored."""

import json
import subprocess
import sys

import nbformat
import pytest

from cookbook.book import Book
from cookbook.check import check
from cookbook.notebooks import read_built, stored_claims

BOOK = Book.here()


def test_the_book_breaks_no_rule():
    assert check(BOOK) == []


@pytest.mark.parametrize("slug", BOOK.slugs())
def test_every_stored_claim_holds(slug):
    claims = stored_claims(read_built(BOOK.find(slug)))["claims"]
    assert [row["id"] for row in claims if not row["holds"]] == []
    assert len({row["id"] for row in claims}) == len(claims)


def test_a_chapter_can_be_handed_out_without_its_solutions(tmp_path):
    notebook = BOOK.find("spectral_embedding").notebook
    command = [sys.executable, "-m", "nbconvert", str(notebook), "--to", "notebook", "--output-dir", str(tmp_path)]
    remove = ["--TagRemovePreprocessor.enabled=True", "--TagRemovePreprocessor.remove_cell_tags", "solution"]
    subprocess.run([*command, *remove], check=True, capture_output=True)
    handout = nbformat.read(tmp_path / notebook.name, as_version=4)
    tags = [tag for cell in handout.cells for tag in cell.metadata.get("tags", [])]
    assert "exercise" in tags and "solution" not in tags
    assert "source_hidden" not in json.dumps(handout)
