"""What a stored notebook measured, read as plain JSON: the table of claims without the tools that run notebooks."""

import json

from cookbook.claims import MIME
from cookbook.errors import BookError

TABLE = {"page": str, "scale": str, "seed": object, "claims": list}
ROW = {"id": str, "says": str, "source": str, "role": str, "paper": str, "holds": bool, "measures": list}
MEASURE = {"is": str, "unit": str, "worst": object, "values": list, "bound": str}


def stored_claims(notebook):
    """The data of the claims table among the outputs of a notebook: {page, scale, seed, claims}, or None."""
    tables = [output["data"][MIME] for output in outputs(notebook) if MIME in output.get("data", {})]
    return tables[-1] if tables else None


def outputs(notebook):
    """Every output of every code cell, in order."""
    return [output for cell in notebook["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]


def read_claims(path):
    """The claims table of a stored notebook, or None where it was never built or measured nothing.

    Raises ``BookError`` where the file is not a notebook or its table is not one of ours.
    """
    if not path.exists():
        return None
    try:
        table = stored_claims(json.loads(path.read_text("utf-8")))
        whole = table is None or _is_whole(table)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise BookError(f"{path.name} is not a notebook that can be read ({reason}); build it again") from None
    if not whole:
        raise BookError(f"{path.name} holds a table of claims that is not whole; build it again")
    return table


def _is_whole(table):
    rows = table["claims"]
    measures = [measure for row in rows for measure in row["measures"]]
    return _has(table, TABLE) and all(_has(row, ROW) for row in rows) and all(_has(m, MEASURE) for m in measures)


def _has(fields, kinds):
    return all(isinstance(fields[name], kind) for name, kind in kinds.items())
