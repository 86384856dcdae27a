"""Reading the claims of a stored notebook, whatever the file holds."""

import json

import pytest

from cookbook.claims import MIME
from cookbook.errors import BookError
from cookbook.stored import read_claims

MEASURE = {"is": "error", "unit": "", "worst": "0.1", "values": [0.1], "bound": "below 1"}
ROW = {"id": "a", "says": "A.", "source": "", "role": "message", "paper": "", "holds": True, "measures": [MEASURE]}
TABLE = {"page": "example", "scale": "toy", "seed": 0, "claims": [ROW]}


def notebook(*tables):
    cells = [{"cell_type": "code", "outputs": [{"data": {MIME: table}}]} for table in tables]
    return {"cells": [{"cell_type": "markdown"}, *cells]}


def test_the_last_table_counts(tmp_path):
    path = tmp_path / "example.ipynb"
    path.write_text(json.dumps(notebook(TABLE | {"seed": 1}, TABLE)))
    assert read_claims(path) == TABLE


def test_what_was_never_built_or_measures_nothing_has_none(tmp_path):
    assert read_claims(tmp_path / "absent.ipynb") is None
    (tmp_path / "empty.ipynb").write_text(json.dumps(notebook()))
    assert read_claims(tmp_path / "empty.ipynb") is None


BROKEN = {
    "empty": "",
    "half": json.dumps(notebook(TABLE))[:-9],
    "list": "[]",
    "number": '{"cells": 3}',
    "no type": '{"cells": [{}]}',
    "outputs": '{"cells": [{"cell_type": "code", "outputs": [7]}]}',
    "table": json.dumps(notebook(5)),
    "no claims": json.dumps(notebook({"page": "example", "scale": "toy", "seed": 0})),
    "row": json.dumps(notebook(TABLE | {"claims": [{"id": "a"}]})),
    "measure": json.dumps(notebook(TABLE | {"claims": [ROW | {"measures": [3]}]})),
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "example.ipynb"
    path.write_text(text)
    with pytest.raises(BookError, match=r"example\.ipynb"):
        read_claims(path)


def test_a_binary_file_is_named(tmp_path):
    path = tmp_path / "example.ipynb"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BookError, match=r"example\.ipynb"):
        read_claims(path)
