"""Where the chapters are, and which notebooks each has."""

import difflib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from cookbook.bibliography import read_papers
from cookbook.cards import Card, read_card
from cookbook.errors import BookError

FOLDER_NAME = re.compile(r"(?P<number>\d\d)_(?P<slug>[a-z0-9_]+)")
PART_PAGE = "00_part"
LESSON, LAB, SOLUTIONS = "lesson", "lab", "solutions"


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
class Chapter:
    """A folder of the book: a card and up to three notebooks."""

    root: Path
    folder: Path
    slug: str
    number: int
    part: str | None
    card: Card

    @property
    def opens(self):
        """Whether this chapter opens the book or a part: its folder is numbered 00."""
        return self.number == 0

    @property
    def lesson(self):
        return Page(self, LESSON)

    @property
    def pages(self):
        """The notebooks that exist, the lesson first."""
        pages = [self.lesson, Page(self, LAB), Page(self, SOLUTIONS)]
        return [page for page in pages if page.path.exists()]

    @property
    def figures(self):
        """The file of the chapter's drawings, which may be missing."""
        return self.folder / "figures.py"


@dataclass(frozen=True)
class Page:
    """One notebook of a chapter: its lesson, its lab or its solutions."""

    chapter: Chapter
    kind: str

    @property
    def name(self):
        """What the page is called on the command line and by ``cb.Chapter``: ``contrastive``, ``contrastive_lab``."""
        return self.chapter.slug if self.kind == LESSON else f"{self.chapter.slug}_{self.kind}"

    @property
    def path(self):
        """The source, in Jupytext's percent format."""
        return self.chapter.folder / f"{self.name}.py"

    @property
    def notebook(self):
        """The stored notebook, paired with the source."""
        return self.path.with_suffix(".ipynb")

    @property
    def title(self):
        """The heading that the page opens with."""
        return self.chapter.card.title + ("" if self.kind == LESSON else f": {self.kind}")

    def link(self, start):
        """The notebook's address as a link in a file of the folder ``start``."""
        return os.path.relpath(self.notebook, start).replace(os.sep, "/")

    def executed(self, name):
        """Where an execution of the page is kept, by a name such as its scale."""
        return self.chapter.root / "runs" / f"{self.name}.{name}.ipynb"


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
        return read_papers(self.folder / "papers.bib")

    @cached_property
    def parts(self):
        """The eight parts in order, whether or not they hold chapters yet."""
        try:
            return [Part(**part) for part in yaml.safe_load((self.folder / "parts.yaml").read_text("utf-8"))]
        except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
            raise BookError(f"chapters/parts.yaml cannot be read: {' '.join(str(error).split())[:200]}") from None

    def folders(self):
        """The chapters' folders in reading order."""
        found = [path.parent for path in self.folder.rglob("card.yaml") if FOLDER_NAME.fullmatch(path.parent.name)]
        return sorted(found, key=lambda path: (path.parent != self.folder, path))

    def slugs(self):
        """The chapters' names in reading order."""
        return [slug_of(folder) for folder in self.folders()]

    def chapters(self):
        """The chapters in reading order, without those whose card is broken."""
        return [chapter for _, chapter in self._read() if isinstance(chapter, Chapter)]

    def broken(self):
        """What is wrong with the cards that cannot be read, {folder: sentence}."""
        return {folder: str(error) for folder, error in self._read() if isinstance(error, BookError)}

    def pages(self):
        """All notebooks of the book in reading order."""
        return [page for chapter in self.chapters() for page in chapter.pages]

    def find(self, slug):
        """Return the chapter named ``slug``."""
        for folder in self.folders():
            if slug_of(folder) == slug:
                return self.open(folder)
        raise BookError(f"there is no chapter {slug!r}; {_nearest(slug, self.slugs())}")

    def page(self, name):
        """Return the notebook named ``name``: a chapter's lesson by its slug, or ``..._lab``, ``..._solutions``."""
        slug, _, kind = name.rpartition("_")
        if kind not in (LAB, SOLUTIONS) or name in self.slugs():
            return self.find(name).lesson
        chapter = self.find(slug)
        if not (page := Page(chapter, kind)).path.exists():
            raise BookError(f"{slug} has no {kind}; it has {', '.join(page.name for page in chapter.pages)}")
        return page

    def open(self, folder):
        """Read the chapter in ``folder``."""
        try:
            card = read_card(folder / "card.yaml", self.papers)
        except BookError as error:
            raise BookError(f"{folder.relative_to(self.root).as_posix()}: {error}") from None
        return Chapter(
            root=self.root,
            folder=folder,
            slug=slug_of(folder),
            number=int(FOLDER_NAME.fullmatch(folder.name)["number"]),
            part=None if folder.parent == self.folder else folder.parent.name,
            card=card,
        )

    def neighbours(self, chapter):
        """The chapters before and after this one in reading order; None at the ends."""
        chapters = self.chapters()
        at = [other.slug for other in chapters].index(chapter.slug)
        return (chapters[at - 1] if at else None), (chapters[at + 1] if at + 1 < len(chapters) else None)

    def _read(self):
        for folder in self.folders():
            try:
                yield folder, self.open(folder)
            except BookError as error:
                yield folder, error


def slug_of(folder):
    """A chapter's name: what its folder's name says, or ``part_2`` for the page that opens the folder ``2_...``."""
    if folder.name == PART_PAGE:
        return f"part_{folder.parent.name.split('_')[0]}"
    return FOLDER_NAME.fullmatch(folder.name)["slug"]


def _nearest(name, names):
    near = difflib.get_close_matches(name, names, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else "`cookbook list` shows them all."
