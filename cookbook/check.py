"""The contract of a chapter: one function to a rule, each yielding a sentence for everything that breaks it."""

import re
from dataclasses import dataclass
from pathlib import Path

from cookbook.book import BookError, slug_of
from cookbook.build import SCALE
from cookbook.contents import contents_markdown, readme_contents
from cookbook.notebooks import BUILD, cells, code, fingerprint, outputs, read_built, read_source, stored_claims, tagged

MAX_BYTES = 300_000
FEWEST_CLAIMS = 3
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
WRAPPED_NUMBER = re.compile(r"\S[^\n]*\n[ \t]*(\d{2,}[.)]) ")


@dataclass(frozen=True)
class Problem:
    """One broken rule: where, which, and what to do about it."""

    where: str
    rule: str
    message: str


@dataclass(frozen=True)
class Chapter:
    """What the rules look at: the card, the source and the stored notebook, which may be missing."""

    book: object
    card: object
    source: object
    built: object


def check(book, slugs=()):
    """Return the problems of the chapters named, or of the whole book."""
    problems = []
    for path in book.files():
        where = path.relative_to(book.folder).as_posix()
        if slugs and slug_of(path) not in slugs:
            continue
        try:
            card = book.card(path)
        except BookError as error:
            problems.append(Problem(where, "card", str(error)))
            continue
        chapter = Chapter(book, card, read_source(card), read_built(card))
        problems += [Problem(where, name, text) for name, rule in RULES.items() for text in rule(chapter)]
    return problems if slugs else problems + list(_readme(book))


def _readme(book):
    if (book.root / "README.md").exists():
        text, fresh = readme_contents(book)
        if text != fresh:
            yield Problem("README.md", "contents", "the table of contents is out of date: run `cookbook build`")


def title(chapter):
    first = chapter.source.cells[0].source.splitlines()[0]
    if first != f"# {chapter.card.title}":
        yield f"the first cell must begin with the card's title, '# {chapter.card.title}', but begins with '{first}'"


def parameters(chapter):
    text = "\n".join(cell.source for cell in tagged(chapter.source, "parameters"))
    for name, default in (("scale", f'"{SCALE}"'), ("seed", "0")):
        if not re.search(rf"^{name} = {default}$", text, re.M):
            yield f"a cell tagged 'parameters' must set {name} = {default}"


def built(chapter):
    if chapter.built is None:
        yield f"there is no notebook: run `cookbook build {chapter.card.slug}`"


def pairing(chapter):
    if chapter.built and cells(chapter.built) != cells(chapter.source):
        yield f".py and .ipynb are out of step: run `cookbook build {chapter.card.slug}`"


def stale(chapter):
    if chapter.built:
        stamp = chapter.built.metadata.get(BUILD, {})
        if stamp != {"scale": SCALE, "fingerprint": fingerprint(chapter.source, SCALE)}:
            yield f"the stored outputs are older than the code: run `cookbook build {chapter.card.slug}`"


def executed(chapter):
    for index, cell in _code_cells(chapter.built):
        if cell.source.strip() and cell.execution_count is None:
            yield f"cell {index} was not executed"


def errors(chapter):
    for index, cell in _code_cells(chapter.built):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {index} stored an error: {output.ename}"


def claims(chapter):
    if "ch.report()" not in code(chapter.source):
        yield "the claims are never reported: end with ch.report()"
    if not any("ch.verdicts()" in cell.source for cell in tagged(chapter.source, "nbval-check-output")):
        yield "a cell tagged 'nbval-check-output' must call ch.verdicts()"
    table = chapter.built and stored_claims(chapter.built)
    if not chapter.built:
        return
    rows = table["claims"] if table else []
    fewest = 1 if chapter.card.opens else FEWEST_CLAIMS
    if len(rows) < fewest:
        yield f"{len(rows)} claims are reported, at least {fewest} are expected"
    if len(rows) >= fewest and not any(row["control"] for row in rows):
        yield "no claim says what should not happen: mark a negative control with control=True"


def slider(chapter):
    if "cb.explore(" not in code(chapter.source):
        yield "there is no slider: call cb.explore"


def exercises(chapter):
    found = [i for i, cell in enumerate(chapter.source.cells) if "exercise" in cell.metadata.get("tags", [])]
    if not found and not chapter.card.opens:
        yield "there is no exercise: tag a cell 'exercise' and the code cell that solves it 'solution'"
    for number, start in enumerate(found, 1):
        end = found[number] if number < len(found) else None
        following = chapter.source.cells[start:end]
        if not any(cell.cell_type == "code" and "solution" in cell.metadata.get("tags", []) for cell in following):
            yield f"exercise {number} has no solution: follow it by a code cell tagged 'solution'"
    for cell in tagged(chapter.source, "solution"):
        if not cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield 'a solution shows its source: give its cell jupyter={"source_hidden": true}'


def size(chapter):
    if chapter.built and (bytes_ := chapter.card.notebook.stat().st_size) > MAX_BYTES:
        yield f"the notebook has {bytes_ // 1000} kB, at most {MAX_BYTES // 1000} kB are allowed: use smaller figures"


def links(chapter):
    for slug in chapter.card.needs:
        if slug not in chapter.book.slugs():
            yield f"the card needs a chapter {slug!r}, which does not exist"
    for cell in chapter.source.cells:
        if cell.cell_type == "markdown":
            yield from _broken_links(chapter.card.path.parent, cell.source)


def wrapping(chapter):
    for cell in chapter.source.cells:
        if cell.cell_type == "markdown" and (year := WRAPPED_NUMBER.search(cell.source)):
            yield f"a line begins with '{year[1]}', which reads as a numbered list: wrap the sentence elsewhere"


def contents(chapter):
    if chapter.built and "cb.contents()" in code(chapter.source):
        fresh = contents_markdown(chapter.book, chapter.book.folder).strip()
        if fresh not in {output.get("data", {}).get("text/markdown", "").strip() for output in outputs(chapter.built)}:
            yield f"the map is out of date: run `cookbook build {chapter.card.slug}`"


RULES = {
    rule.__name__: rule
    for rule in (
        title,
        parameters,
        built,
        pairing,
        stale,
        executed,
        errors,
        claims,
        slider,
        exercises,
        size,
        links,
        wrapping,
        contents,
    )
}


def _code_cells(notebook):
    """The code cells of a notebook with their numbers, counted from 1 over all cells; none of a missing notebook."""
    cells = notebook.cells if notebook else []
    return [(index, cell) for index, cell in enumerate(cells, 1) if cell.cell_type == "code"]


def _broken_links(folder, text):
    for target in LINK.findall(text):
        path = target.split("#")[0]
        if (
            path
            and "://" not in path
            and not path.startswith(("mailto:", "attachment:"))
            and not (Path(folder) / path).exists()
        ):
            yield f"a link leads nowhere: {target}"
