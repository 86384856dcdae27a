"""Refreshing the stored notebooks: executed at scale toy, and free of everything that changes from run to run."""

import base64
import io

import nbformat
from PIL import Image

from cookbook.errors import BookError
from cookbook.files import write_text
from cookbook.notebooks import BUILD, edited_since_build, read_built, read_source, stamp
from cookbook.runner import execute

SCALE = "toy"
WIDGET = "application/vnd.jupyter.widget-view+json"


def build(page, *, overwrite=False, **options):
    """Execute a page at scale toy and write its .ipynb; return whether the file changed.

    A stored notebook that was edited by something that does not write the .py, such as VS Code or Colab, is left alone
    with a ``BookError``, unless ``overwrite`` is true.
    """
    if not overwrite:
        _check_not_edited(page)
    executed = execute(page, page.executed("build"), TQDM_DISABLE="1", PYTHONHASHSEED="0", **options)
    text = nbformat.writes(assemble(page, executed)) + "\n"
    if page.notebook.exists() and page.notebook.read_text("utf-8") == text:
        return False
    write_text(page.notebook, text)
    return True


def assemble(page, executed):
    """The source's cells with the executed notebook's outputs, and nothing else of the latter."""
    notebook = read_source(page)
    for cell, done in zip(notebook.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.execution_count = done.execution_count
            cell.outputs = _join_streams([kept for kept in map(_scrub, done.outputs) if kept])
    notebook.metadata[BUILD] = stamp(page, notebook, notebook, SCALE)
    nbformat.validate(notebook)
    return notebook


def _check_not_edited(page):
    try:
        stored = read_built(page)
    except BookError:
        return
    if stored is not None and edited_since_build(stored):
        name = page.notebook.name
        raise BookError(
            f"{name} was edited since it was built, and building would lose that. To keep the edit: "
            f"`jupytext --to py:percent {page.notebook}`, which writes it to {page.path.name}; to drop it: "
            f"`cookbook build --overwrite {page.name}`"
        )


def _scrub(output):
    """An output without what cannot live in a file: widgets (their picture stays), progress bars, warnings' paths."""
    if output.output_type == "stream":
        return output if output.name == "stdout" else None
    data = output.get("data", {})
    if data.pop(WIDGET, None) is not None and "image/png" not in data:
        return None
    if "text/html" in data:
        data.pop("text/latex", None)
    if "image/png" in data:
        data["image/png"] = _smaller(data["image/png"])
    output.metadata = {}
    return output


def _join_streams(outputs):
    """Printed text arrives in pieces whose ends depend on the clock; put neighbours together."""
    joined = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream":
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _smaller(picture):
    """The same PNG with a palette of 256 colours, where that takes less room."""
    buffer = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return min(base64.b64encode(buffer.getvalue()).decode(), picture.strip(), key=len)
