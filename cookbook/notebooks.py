"""Chapters as notebooks: reading the source, and what its outputs say."""

import hashlib
import json
import re

import jupytext
import nbformat

from cookbook.claims import MIME

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
BUILD = "cookbook_build"


def read_source(card):
    """The chapter's .py as a notebook without outputs, each cell's id made from its place, so that it never changes."""
    notebook = jupytext.read(card.path)
    for index, cell in enumerate(notebook.cells):
        cell.id = f"{card.slug[:48]}-{index:03d}".replace("_", "-")
    notebook.metadata.kernelspec = nbformat.from_dict(KERNEL)
    notebook.metadata.setdefault("jupytext", {})["formats"] = "ipynb,py:percent"
    notebook.nbformat_minor = 5
    return notebook


def read_built(card):
    """The chapter's stored .ipynb, or None where it was never built."""
    return nbformat.read(card.notebook, as_version=4) if card.notebook.exists() else None


def fingerprint(notebook, scale):
    """A hash of the scale and of every cell's kind, tags and text: what stored outputs were made from."""
    return hashlib.sha256(json.dumps([scale, *cells(notebook)]).encode()).hexdigest()[:16]


def cells(notebook):
    """Each cell as [kind, sorted tags, text]."""
    return [[cell.cell_type, sorted(cell.metadata.get("tags", [])), cell.source.strip()] for cell in notebook.cells]


def tagged(notebook, tag):
    """The cells that carry ``tag``."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def code(notebook):
    """All code of a notebook as one text."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")


def outputs(notebook):
    """Every output of every code cell, in order."""
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def stored_claims(notebook):
    """The data of the claims table among the outputs: {slug, scale, seed, claims}, or None."""
    tables = [output.data[MIME] for output in outputs(notebook) if MIME in output.get("data", {})]
    return tables[-1] if tables else None


def strip_colour(text):
    """Text without a terminal's colour codes."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
