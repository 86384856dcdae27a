"""The command line: ``cookbook --help``.

What runs or checks notebooks is imported by the commands that do so: it takes seconds.
"""

import logging
import os
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cookbook.book import Book
from cookbook.errors import BookError, RunFailed
from cookbook.files import write_text
from cookbook.notation import notation_markdown, notation_path
from cookbook.skeleton import new_chapter
from cookbook.stored import read_claims, stored_claims
from cookbook.toc import readme_contents
from cookbook.train import train as run_recipe

WRONG_USE, FAILED, INTERRUPTED = 2, 1, 130
LAST_LINES = 12

app = typer.Typer(
    help="The Self-Supervised Learning Cookbook: read, run, build and check its chapters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out, err = Console(highlight=False), Console(stderr=True, highlight=False)

Slug = Annotated[str, typer.Argument(help="A chapter's name, such as spectral_embedding.")]
Name = Annotated[str, typer.Argument(help="A page's name: contrastive, contrastive_lab or contrastive_solutions.")]
Names = Annotated[list[str] | None, typer.Argument(help="Chapters or pages; all of them where none is given.")]
Slugs = Annotated[list[str] | None, typer.Argument(help="Chapters' names; all of them where none is given.")]


class Scale(StrEnum):
    """How much a chapter computes."""

    fast = "fast"
    toy = "toy"
    paper = "paper"


def main():
    """Run the command line; a known error is one sentence and an exit code, never a traceback."""
    # A cell that Ctrl-C cuts off leaves a task behind, of which asyncio would print the traceback at exit.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        app()
    except BookError as error:
        err.print(Text(str(error), style="red"))
        sys.exit(WRONG_USE)
    except RunFailed as error:
        _explain(error)
        sys.exit(FAILED)
    except OSError as error:
        err.print(Text(f"{error}; what was stored is as it was", style="red"))
        sys.exit(FAILED)
    except KeyboardInterrupt:
        err.print("interrupted; the kernel was shut down")
        sys.exit(INTERRUPTED)


@app.command(context_settings={"ignore_unknown_options": True})
def lab(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PAGE] [OPTIONS]", help="A chapter, and options for JupyterLab such as --no-browser."),
    ] = None,
):
    """Open a chapter in JupyterLab, the start page by default."""
    options = [word for word in words or [] if word.startswith("-")]
    slugs = [word for word in words or [] if word not in options]
    book = Book.here()
    notebook = book.page(slugs[0] if slugs else "start_here").notebook
    root = f"--ServerApp.root_dir={book.root}"
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", root, *options, str(notebook)])


@app.command("list")
def list_():
    """List the chapters: the table of contents."""
    book = Book.here()
    titles = {part.folder: f"Part {part.number} · {part.title}" for part in book.parts}
    columns = ("chapter", "level", "promise", "minutes")
    table = Table(*columns, title="The Self-Supervised Learning Cookbook", title_justify="left")
    part = None
    for chapter in book.chapters():
        card = chapter.card
        if chapter.part != part:
            part = chapter.part
            table.add_section()
            table.add_row(Text(titles.get(part, part or ""), style="bold"))
        table.add_row(Text(chapter.slug, style="cyan"), card.stars, card.promise, str(card.minutes.read))
    out.print(table)
    _warn_of_broken_cards(book)


@app.command()
def show(slug: Slug):
    """Show one chapter's card, its pages, and the claims that its stored notebooks measured."""
    chapter = Book.here().find(slug)
    card = chapter.card
    out.print(Text(card.title, style="bold"), card.promise, sep="\n")
    for paper in card.references:
        out.print(f"{paper.title}, {paper.short}, {paper.venue}  {paper.url}")
    out.print(f"level {card.stars} · {card.minutes} · needs: {', '.join(card.needs) or 'no other chapter'}")
    if card.gpu:
        out.print(f"scale paper: {card.gpu}")
    if card.result:
        out.print(card.result.says, f"  {card.result.code}", f"  {card.result.train}", sep="\n")
    for page in chapter.pages:
        out.print(f"{page.kind}: {page.notebook.relative_to(chapter.root)}")
    for table in _stored(chapter):
        _print_claims(table)


@app.command()
def run(
    name: Name,
    scale: Annotated[Scale, typer.Option(help="fast: seconds; toy: a minute; paper: a GPU.")] = Scale.toy,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter of the chapter."),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds that one cell may take; no limit by default.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Where to keep the executed notebook; runs/ by default.")] = None,
):
    """Execute a page with papermill, print its claims, and keep the executed notebook."""
    from cookbook.runner import execute

    page = Book.here().page(name)
    parameters = {"scale": scale.value} | dict(map(_parse, parameter or []))
    if parameters["scale"] not in list(Scale):
        raise typer.BadParameter(f"scale must be one of {', '.join(Scale)}, but is {parameters['scale']!r}")
    output = output or page.executed(parameters["scale"])
    with _progress(f"{name} at {parameters['scale']}") as on_cell:
        notebook = execute(page, output, parameters=parameters, timeout=timeout, on_cell=on_cell)
    _print_claims(stored_claims(notebook))
    out.print(f"executed notebook: {output}")


@app.command()
def build(
    names: Names = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Drop what was edited in a stored notebook alone.")
    ] = False,
):
    """Execute pages at scale toy and refresh their stored notebooks, the README's contents and the page of symbols."""
    from cookbook.build import build as build_page

    book = Book.here()
    for page in _pages(book, names):
        with _progress(page.name) as on_cell:
            changed = build_page(page, overwrite=overwrite, on_cell=on_cell)
        out.print(f"{page.name}: {'refreshed' if changed else 'unchanged'}")
    if (book.root / "README.md").exists():
        _refresh(book.root / "README.md", readme_contents(book)[1], "table of contents")
    _refresh(notation_path(book), notation_markdown(book), "page of symbols")


@app.command()
def check(slugs: Slugs = None):
    """Check the contract of chapters: form, pairing, outputs, cards, claims, sliders, exercises, links, sizes."""
    from cookbook.check import check as check_book

    book = Book.here()
    for slug in slugs or []:
        if slug not in book.slugs():
            book.find(slug)
    problems = check_book(book, slugs or ())
    for problem in problems:
        out.print(Text.assemble((problem.where, "cyan"), f"  [{problem.rule}]  {problem.message}"), soft_wrap=True)
    out.print(f"{len(problems)} problems" if problems else "no problems")
    raise typer.Exit(FAILED if problems else 0)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def train(words: typer.Context):
    """Train a recipe outside the notebook: `cookbook train vicreg --data cifar10 --devices auto`; -h lists the options.

    Running the same command again goes on from the checkpoint in runs/train, or in the folder that --out names.
    """
    raise typer.Exit(run_recipe(Book.here().root, words.args))


@app.command()
def claims():
    """Gather the claims of all chapters, as their stored notebooks measured them, into one scoreboard."""
    book = Book.here()
    tables = [table for chapter in book.chapters() for table in _stored(chapter)]
    for table in tables:
        _print_claims(table)
    rows = [row for table in tables for row in table["claims"]]
    held = sum(row["holds"] for row in rows)
    out.print(Text(f"{held} of {len(rows)} claims hold, on {len(tables)} pages", style="bold"))
    _warn_of_broken_cards(book)
    raise typer.Exit(0 if held == len(rows) else FAILED)


@app.command()
def new(
    place: Annotated[str, typer.Argument(help="<part>/<NN>_<slug>, such as 2_spectral/02_kernel_regime.")],
    paper: Annotated[str, typer.Option(help="The paper's key in chapters/papers.bib.")],
    title: Annotated[str, typer.Option(help="The chapter's title; made from its name by default.")] = "",
):
    """Write the folder of a new chapter."""
    path = new_chapter(Book.here(), place, title=title, paper=paper)
    out.print(f"wrote {path}; CONTRIBUTING.md says what goes where")


def _parse(text):
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE, such as seed=3")
    return name, _value(value)


def _value(text):
    """A whole number (010 is ten), a number (1e2 is a hundred), true or false, or else the text as it stands."""
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        number = float(text)
        return int(number) if number.is_integer() else number
    return {"true": True, "false": False}.get(text.lower(), text)


class _progress:
    """A progress bar over a chapter's cells; it shows itself on a terminal alone."""

    def __init__(self, title):
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("cell {task.completed}/{task.total}"),
            TimeElapsedColumn(),
        )
        self.bar = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self.task = self.bar.add_task(title, total=None)

    def __enter__(self):
        self.bar.start()
        return lambda cell, total: self.bar.update(self.task, completed=cell, total=total)

    def __exit__(self, *error):
        self.bar.stop()


def _pages(book, names):
    """The pages named: a chapter's name stands for all of its pages."""
    if not names:
        return book.pages()
    found = [book.find(name).pages if name in book.slugs() else [book.page(name)] for name in names]
    return [page for pages in found for page in pages]


def _stored(chapter):
    """The tables of claims in a chapter's stored notebooks; a notebook that cannot be read is named."""
    tables = []
    for page in chapter.pages:
        try:
            table = read_claims(page.notebook)
        except BookError as error:
            err.print(Text(str(error), style="red"))
            continue
        tables += [table] if table and table["claims"] else []
    return tables


def _refresh(path, text, what):
    if not path.exists() or path.read_text("utf-8") != text:
        write_text(path, text)
        out.print(f"{path.name}: {what} refreshed")


def _warn_of_broken_cards(book):
    for message in book.broken().values():
        err.print(Text(message, style="red"))


def _print_claims(table):
    if not table or not table["claims"]:
        out.print("this page measures no claims")
        return
    rows = table["claims"]
    held = sum(row["holds"] for row in rows)
    title = f"{table['page']} (scale {table['scale']}, seed {table['seed']}): {held} of {len(rows)} claims hold"
    style = {"title": Text(title, style="bold"), "title_justify": "left", "box": SIMPLE_HEAD}
    view = Table("", "claim", "paper", "measured", **style)
    for row in rows:
        mark = Text("✓", style="green") if row["holds"] else Text("✗", style="red")
        role = "" if row["role"] == "message" else f" ({row['role']})"
        claim = Text.assemble((row["id"], "cyan"), f"{role}\n{row['says']} ", (f"({row['source']})", "dim"))
        view.add_row(mark, claim, Text(row["paper"]), Text("\n".join(map(_measured, row["measures"]))))
    out.print(view)


def _measured(measure):
    several = f" (worst of {n})" if (n := len(measure["values"])) > 1 else ""
    return f"{measure['is']}: {measure['worst']} {measure['unit']}".rstrip() + f"{several}, {measure['bound']}"


def _explain(error):
    with suppress(BookError):  # a disk that is full keeps half a notebook
        if claims := read_claims(error.kept):
            _print_claims(claims)
    err.print(Text(f"cell {error.cell} failed: {error.reason}", style="red"))
    if error.details:
        err.print(Text("\n".join(error.details.splitlines()[-LAST_LINES:])))
    err.print(f"executed notebook: {error.kept}")
