"""Redraw times of every slider inside its chapter's kernel. The book's goal: 50 ms median, 100 ms at most."""

import json

import nbformat
import pytest
from nbclient import NotebookClient

from cookbook.book import SOLUTIONS, Book
from cookbook.notebooks import read_source

BOOK = Book.here()
PROBE = """
import json
from cookbook.explorer import explorers
print(json.dumps([explorer.measure() for explorer in explorers]))
"""


@pytest.mark.parametrize("name", [page.name for page in BOOK.pages() if page.kind != SOLUTIONS])
def test_redraws(benchmark, monkeypatch, name):
    monkeypatch.setenv("COOKBOOK_SCALE", "fast")
    times = benchmark.pedantic(_measure, args=[BOOK.page(name)], rounds=1)
    for control, seconds in times:
        seconds = sorted(seconds)
        print(f"{name} {control}: median {seconds[len(seconds) // 2] * 1e3:.0f} ms, worst {seconds[-1] * 1e3:.0f} ms")


def _measure(page):
    """Run the page, then move every control; return its redraw times as (name, seconds)."""
    notebook = read_source(page)
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE))
    NotebookClient(notebook, resources={"metadata": {"path": page.path.parent}}).execute()
    explorers = json.loads("".join(o.text for o in notebook.cells[-1].outputs if o.get("name") == "stdout"))
    return [(name, seconds) for times in explorers for name, seconds in times.items()]
