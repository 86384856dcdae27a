"""Rules for what is generated from the whole book; each yields where it is broken and how to mend it."""

from cookbook.notation import notation_markdown, notation_path
from cookbook.toc import readme_contents


def readme(book):
    if (book.root / "README.md").exists():
        text, fresh = readme_contents(book)
        if text != fresh:
            yield "README.md", "the table of contents is out of date: run `cookbook build`"


def notation(book):
    path = notation_path(book)
    if not path.exists() or path.read_text("utf-8") != notation_markdown(book):
        yield "chapters/notation.md", "the page of symbols is out of date: run `cookbook build`"


RULES = (readme, notation)
