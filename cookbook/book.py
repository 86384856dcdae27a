"""Where the chapters are and what their cards say."""

import difflib
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path

import jupytext
import yaml
from pybtex.database import parse_file
from pybtex.exceptions import PybtexError

FILE_NAME = re.compile(r"(?P<number>\d\d)_(?P<slug>[a-z0-9_]+)\.py")
PART_PAGE = "00_part.py"
REQUIRED = ("title", "promise", "papers", "needs", "minutes")


class BookError(Exception):
    """The book does not hold what was asked for; the message says what to do."""


@dataclass(frozen=True)
class Paper:
    """An entry of ``chapters/papers.bib``."""

    key: str
    authors: tuple[str, ...]
    title: str
    year: str
    venue: str
    url: str

    @property
    def short(self):
        """The citation as it stands in running text: Balestriero & LeCun 2022."""
        names = self.authors
        who = " & ".join(names) if len(names) <= 2 else f"{names[0]} et al."
        return f"{who} {self.year}"

    def html(self):
        title = escape(self.title)
        linked = f'<a href="{escape(self.url)}">{title}</a>' if self.url else title
        return f"{linked}, {escape(self.short)}" + (f", {escape(self.venue)}" if self.venue else "")


@dataclass(frozen=True)
class Part:
    """One of the book's parts: a folder of chapters."""

    folder: str
    title: str
    story: str

    @property
    def number(self):
        return int(self.folder.split("_")[0])


@dataclass(frozen=True)
class Card:
    """What a chapter says of itself in its header."""

    root: Path
    path: Path
    slug: str
    number: int
    part: str | None
    title: str
    promise: str
    papers: tuple[str, ...]
    needs: tuple[str, ...]
    minutes: int
    gpu: str = ""
    references: tuple[Paper, ...] = field(default=(), compare=False)

    @property
    def opens(self):
        """Whether this page opens the book or a part: it is numbered 00."""
        return self.number == 0

    @property
    def notebook(self):
        return self.path.with_suffix(".ipynb")

    def executed(self, name):
        """Where an execution of the chapter is kept, by a name such as its scale."""
        return self.root / "runs" / f"{self.slug}.{name}.ipynb"

    @property
    def source(self):
        """Who makes the chapter's claims where a claim does not say so itself."""
        return self.references[0].short if self.references else "the book"


class Book:
    """The book in a folder that holds ``chapters/``; without one, the book that this package came with."""

    def __init__(self, root):
        self.root = Path(root)
        self.folder = self.root / "chapters"
        if not self.folder.is_dir():
            raise BookError(f"there is no folder chapters/ in {self.root}; set COOKBOOK_ROOT to a clone of the book")

    @classmethod
    def here(cls):
        """The book named by COOKBOOK_ROOT, or else the clone that this package was installed from."""
        return cls(os.environ.get("COOKBOOK_ROOT") or Path(__file__).parents[1])

    @cached_property
    def papers(self):
        """The bibliography, {key: Paper}."""
        try:
            entries = parse_file(self.folder / "papers.bib").entries
        except PybtexError as error:
            raise BookError(f"chapters/papers.bib cannot be read: {error}") from None
        return {key: _paper(key, entry) for key, entry in entries.items()}

    @cached_property
    def parts(self):
        """The eight parts in order, whether or not they hold chapters yet."""
        return [Part(**part) for part in yaml.safe_load((self.folder / "parts.yaml").read_text("utf-8"))]

    def files(self):
        """The chapters' source files in reading order."""
        found = [path for path in self.folder.rglob("*.py") if FILE_NAME.fullmatch(path.name)]
        return sorted(found, key=lambda path: (path.parent != self.folder, path))

    def slugs(self):
        """The chapters' names in reading order."""
        return [slug_of(path) for path in self.files()]

    def chapters(self):
        """The cards of all chapters in reading order."""
        return [self.card(path) for path in self.files()]

    def find(self, slug):
        """Return the card of the chapter named ``slug``."""
        for path, name in zip(self.files(), self.slugs(), strict=True):
            if name == slug:
                return self.card(path)
        near = difflib.get_close_matches(slug, self.slugs(), 1, 0.5)
        hint = f"did you mean {near[0]!r}?" if near else "`cookbook list` shows them all."
        raise BookError(f"there is no chapter {slug!r}; {hint}")

    def card(self, path):
        """Read the card in the header of the chapter at ``path``."""
        where = path.relative_to(self.root)
        fields = jupytext.read(path).metadata.get("cookbook") or {}
        missing = [name for name in REQUIRED if name not in fields]
        if missing:
            raise BookError(f"{where}: the card lacks {', '.join(missing)}")
        unknown = [key for key in fields["papers"] if key not in self.papers]
        if unknown:
            raise BookError(f"{where}: no entry in chapters/papers.bib for {', '.join(unknown)}")
        extra = set(fields) - {*REQUIRED, "gpu"}
        if extra:
            raise BookError(f"{where}: the card has unknown fields {', '.join(sorted(extra))}")
        return Card(
            root=self.root,
            path=path,
            slug=slug_of(path),
            number=int(FILE_NAME.fullmatch(path.name)["number"]),
            part=None if path.parent == self.folder else path.parent.name,
            references=tuple(self.papers[key] for key in fields["papers"]),
            **{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()},
        )


def slug_of(path):
    """A chapter's name: what its file name says, or ``part_2`` for the page that opens a part's folder ``2_...``."""
    if path.name == PART_PAGE:
        return f"part_{path.parent.name.split('_')[0]}"
    return FILE_NAME.fullmatch(path.name)["slug"]


def _paper(key, entry):
    fields = entry.fields
    arxiv = fields.get("eprint", "")
    url = fields.get("url") or (f"https://arxiv.org/abs/{arxiv}" if arxiv else "")
    venue = (
        fields.get("journal") or fields.get("booktitle") or (f"arXiv {arxiv}" if arxiv else fields.get("publisher", ""))
    )
    authors = tuple(" ".join([*p.prelast_names, *p.last_names]) for p in entry.persons["author"])
    title, venue = (re.sub(r"[{}]", "", text) for text in (fields["title"], venue))
    return Paper(key, authors, title, fields["year"], venue, url)
