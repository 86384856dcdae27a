"""The papers that the book cites: ``chapters/papers.bib``."""

import re
from dataclasses import dataclass
from html import escape

from pybtex.database import parse_file
from pybtex.exceptions import PybtexError

from cookbook.errors import BookError


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


def read_papers(path):
    """Return {key: Paper} of a BibTeX file."""
    try:
        entries = parse_file(path).entries
    except PybtexError as error:
        raise BookError(f"chapters/papers.bib cannot be read: {error}") from None
    return {key: _paper(key, entry) for key, entry in entries.items()}


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
