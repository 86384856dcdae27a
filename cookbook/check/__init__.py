"""The contract of a chapter: one function to a rule, each yielding a sentence for everything that breaks it."""

from dataclasses import dataclass

from cookbook.book import slug_of
from cookbook.check import book_rules, chapter_rules, form_rules, page_rules
from cookbook.check.subject import Subject
from cookbook.errors import BookError
from cookbook.notebooks import read_built, read_source

PAGE_RULES = {rule.__name__: rule for rule in (*page_rules.RULES, *form_rules.RULES)}
CHAPTER_RULES = {rule.__name__: rule for rule in chapter_rules.RULES}
BOOK_RULES = {rule.__name__: rule for rule in book_rules.RULES}


@dataclass(frozen=True)
class Problem:
    """One broken rule: where, which, and what to do about it."""

    where: str
    rule: str
    message: str


def check(book, slugs=()):
    """Return the problems of the chapters named, or of the whole book."""
    problems = [
        Problem(_where(book, folder), "card", message)
        for folder, message in book.broken().items()
        if not slugs or slug_of(folder) in slugs
    ]
    for chapter in book.chapters():
        if not slugs or chapter.slug in slugs:
            problems += _problems_of(book, chapter)
    return problems if slugs else problems + list(_book_problems(book))


def _problems_of(book, chapter):
    """A chapter's problems: those of each page, then those of them all."""
    subjects = []
    for page in chapter.pages:
        where = _where(book, page.path)
        try:
            subject = Subject(book, page, read_source(page), read_built(page))
        except (BookError, OSError, UnicodeDecodeError) as error:
            yield Problem(where, "readable", str(error))
            continue
        subjects.append(subject)
        for name, rule in PAGE_RULES.items():
            yield from (Problem(where, name, text) for text in _broken(rule, subject))
    for name, rule in CHAPTER_RULES.items():
        where = _where(book, chapter.folder)
        yield from (Problem(where, name, text) for text in _broken(rule, book, chapter, subjects))


def _broken(rule, *arguments):
    """The sentences of a rule; a damaged file may hold anything, and then it says that it cannot read it."""
    try:
        return list(rule(*arguments))
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return [f"this cannot be checked, for the source or the stored notebook is damaged ({reason}): build it again"]


def _book_problems(book):
    for name, rule in BOOK_RULES.items():
        try:
            found = list(rule(book))
        except BookError as error:
            found = [("chapters", str(error))]
        yield from (Problem(where, name, text) for where, text in found)


def _where(book, path):
    return path.relative_to(book.root).as_posix()
