"""Chapters as notebooks: reading the source, and what its outputs say."""

import dataclasses
import hashlib
import json
import re

import jupytext
import nbformat

from cookbook.errors import BookError

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
BUILD = "cookbook_build"


def read_source(page):
    """The page's .py as a notebook without outputs, each cell's id made from its place, so that it never changes."""
    notebook = jupytext.read(page.path, fmt="py:percent")
    for index, cell in enumerate(notebook.cells):
        cell.id = f"{page.name[-48:]}-{index:03d}".replace("_", "-")
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL})
    notebook.nbformat_minor = 5
    return notebook


def read_built(page):
    """The page's stored .ipynb, or None where it was never built."""
    if not page.notebook.exists():
        return None
    try:
        return nbformat.read(page.notebook, as_version=4)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise BookError(f"{page.notebook.name} is not a notebook that can be read: {reason}") from None


def stamp(page, notebook, outputs_of, scale):
    """What a stored notebook was made from, and what it holds: hashes that `cookbook check` compares.

    The source is every cell's kind, tags and text, the drawings, and the card's claims; the outputs come with the
    kernel that made them.
    """
    claims = [dataclasses.asdict(claim) for claim in page.chapter.card.claims.values()]
    drawings = page.chapter.figures.read_text("utf-8") if page.chapter.figures.exists() else ""
    made = [[cell.get("execution_count"), cell.outputs] for cell in outputs_of.cells if cell.cell_type == "code"]
    return {
        "scale": scale,
        "source": _hash([scale, cells(notebook), drawings, claims]),
        "cells": _hash(cells(notebook)),
        "outputs": _hash([outputs_of.metadata.get("kernelspec"), made]),
    }


def cells(notebook):
    """Each cell as [kind, sorted tags, text]."""
    return [[cell.cell_type, sorted(cell.metadata.get("tags", [])), cell.source.strip()] for cell in notebook.cells]


def edited_since_build(built):
    """Whether a stored notebook's text was changed, by an editor that does not write the .py, after it was built."""
    made_from = built.metadata.get(BUILD, {}).get("cells")
    return made_from is not None and made_from != _hash(cells(built))


def tagged(notebook, tag):
    """The cells that carry ``tag``."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def code(notebook):
    """All code of a notebook as one text."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def strip_colour(text):
    """Text without a terminal's colour codes."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _hash(content):
    text = json.dumps(content, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
