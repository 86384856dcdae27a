"""Rules for every page: it opens as it should, and its stored notebook is what its source makes."""

import re
from pathlib import Path

import jupytext
import nbformat

from cookbook.build import SCALE
from cookbook.notebooks import BUILD, cells, code, edited_since_build, stamp, tagged
from cookbook.stored import outputs
from cookbook.toc import contents_markdown

MAX_BYTES = 300_000
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
WRAPPED_NUMBER = re.compile(r"\S[^\n]*\n[ \t]*(\d{2,}[.)]) ")
FORMAT = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "tags,jupyter,-all"}


def title(subject):
    first = subject.source.cells[0].source.splitlines()[:1]
    if first != [f"# {subject.page.title}"]:
        yield f"the first cell must begin with '# {subject.page.title}', but begins with '{' '.join(first)}'"


def parameters(subject):
    text = "\n".join(cell.source for cell in tagged(subject.source, "parameters"))
    for name, default in (("scale", f'"{SCALE}"'), ("seed", "0")):
        if not re.search(rf"^{name} = {default}$", text, re.M):
            yield f"a cell tagged 'parameters' must set {name} = {default}"


def built(subject):
    if subject.built is None:
        yield f"there is no notebook: run `cookbook build {subject.page.name}`"


def pairing(subject):
    if not subject.built or cells(subject.built) == cells(subject.source):
        return
    if edited_since_build(subject.built):
        yield (
            f"{subject.page.notebook.name} was edited by something that does not write {subject.page.path.name}: "
            f"take the edit over with `jupytext --to py:percent`, or drop it with `cookbook build --overwrite`"
        )
    else:
        yield f".py and .ipynb are out of step: run `cookbook build {subject.page.name}`"


def saving(subject):
    """Opening and saving in JupyterLab must not change the source: it is written as Jupytext writes it."""
    notebook = jupytext.read(subject.page.path, fmt="py:percent")
    notebook.metadata["jupytext"] = FORMAT
    notebook = nbformat.reads(nbformat.writes(notebook), as_version=4)
    if jupytext.writes(notebook, fmt="py:percent").rstrip("\n") != subject.text.rstrip("\n"):
        yield (
            "saving in JupyterLab would change the source: it has a header or is not in Jupytext's own spelling; "
            "run `jupytext --to py:percent` on its notebook, or open and save it once"
        )


def stale(subject):
    if not subject.built:
        return
    stored = subject.built.metadata.get(BUILD, {})
    fresh = stamp(subject.page, subject.source, subject.built, SCALE)
    if any(stored.get(name) != fresh[name] for name in ("scale", "source")):
        yield f"the stored outputs are older than the code, the drawings or the claims: run `{_build(subject)}`"
    elif stored.get("outputs") != fresh["outputs"]:
        yield f"the stored outputs or their kernel are not those that were built: run `{_build(subject)}`"


def executed(subject):
    for index, cell in subject.stored_code():
        if cell.source.strip() and cell.execution_count is None:
            yield f"cell {index} was not executed"


def errors(subject):
    for index, cell in subject.stored_code():
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {index} stored an error: {output.ename}"


def size(subject):
    if subject.built and (bytes_ := subject.page.notebook.stat().st_size) > MAX_BYTES:
        yield f"the notebook has {bytes_ // 1000} kB, at most {MAX_BYTES // 1000} kB are allowed: use smaller figures"


def links(subject):
    for _, cell in subject.numbered("markdown"):
        for target in LINK.findall(cell.source):
            path = target.split("#")[0]
            outside = "://" in path or path.startswith(("mailto:", "attachment:"))
            if path and not outside and not (Path(subject.page.path.parent) / path).exists():
                yield f"a link leads nowhere: {target}"


def wrapping(subject):
    for _, cell in subject.numbered("markdown"):
        if year := WRAPPED_NUMBER.search(cell.source):
            yield f"a line begins with '{year[1]}', which reads as a numbered list: wrap the sentence elsewhere"


def contents(subject):
    if subject.built and "cb.contents()" in code(subject.source):
        fresh = contents_markdown(subject.book, subject.page.path.parent).strip()
        if fresh not in {output.get("data", {}).get("text/markdown", "").strip() for output in outputs(subject.built)}:
            yield f"the map is out of date: run `{_build(subject)}`"


def _build(subject):
    return f"cookbook build {subject.page.name}"


RULES = (
    title, parameters, built, pairing, saving, stale, executed, errors, size, links, wrapping, contents,
)  # fmt: skip
