"""What building keeps of an executed notebook, and what it drops."""

import base64
import io

import numpy as np
from nbformat.v4 import new_output
from PIL import Image

from cookbook.build import WIDGET, assemble
from cookbook.notebooks import read_source


def _built(book, *outputs):
    """The outputs that remain of the first code cell when it had these."""
    page = book.page("example")
    executed = read_source(page)
    cell = next(cell for cell in executed.cells if cell.cell_type == "code")
    cell.outputs, cell.execution_count = list(outputs), 1
    kept = next(cell for cell in assemble(page, executed).cells if cell.cell_type == "code")
    return kept.outputs


def _png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return base64.b64encode(buffer.getvalue()).decode()


def test_printed_pieces_are_joined_and_progress_is_dropped(book):
    pieces = [new_output("stream", name="stdout", text=t) for t in ("a\n", "b\n")]
    kept = _built(
        book, *pieces, new_output("stream", name="stderr", text="50%"), new_output("display_data", {WIDGET: {}})
    )
    assert [output.text for output in kept] == ["a\nb\n"]


def test_a_slider_keeps_its_picture_alone(book):
    picture = _png(np.zeros((4, 4, 3), np.uint8))
    (kept,) = _built(
        book, new_output("display_data", {WIDGET: {"model_id": "x"}, "image/png": picture}, metadata={"volatile": 1})
    )
    assert set(kept.data) == {"image/png"} and kept.metadata == {}


def test_pictures_shrink_and_still_show_the_same(book):
    pixels = np.random.default_rng(0).integers(0, 4, (64, 64, 3)).astype(np.uint8) * 80
    picture = _png(pixels)
    (kept,) = _built(book, new_output("display_data", {"image/png": picture}))
    stored = Image.open(io.BytesIO(base64.b64decode(kept.data["image/png"]))).convert("RGB")
    assert len(kept.data["image/png"]) < len(picture)
    assert np.abs(np.asarray(stored).astype(int) - pixels).mean() < 8
