"""Redraw times of every slider inside its chapter's kernel. The book's goal: 50 ms median, 100 ms at most."""

import json

import nbformat
import pytest
from nbclient import NotebookClient

from cookbook.book import Book
from cookbook.notebooks import read_source

BOOK = Book.here()
PROBE = """
import json
from cookbook.explore import explorers
print(json.dumps([explorer.measure() for explorer in explorers]))
"""


@pytest.mark.parametrize("slug", BOOK.slugs())
def test_redraws(benchmark, monkeypatch, slug):
    monkeypatch.setenv("COOKBOOK_SCALE", "fast")
    times = benchmark.pedantic(_measure, args=[BOOK.find(slug)], rounds=1)
    for name, seconds in times:
        seconds = sorted(seconds)
        print(f"{slug} {name}: median {seconds[len(seconds) // 2] * 1e3:.0f} ms, worst {seconds[-1] * 1e3:.0f} ms")


def _measure(card):
    """Run the chapter, then move every control; return its redraw times as (name, seconds)."""
    notebook = read_source(card)
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE))
    NotebookClient(notebook, resources={"metadata": {"path": card.path.parent}}).execute()
    explorers = json.loads("".join(o.text for o in notebook.cells[-1].outputs if o.get("name") == "stdout"))
    return [(name, seconds) for times in explorers for name, seconds in times.items()]
