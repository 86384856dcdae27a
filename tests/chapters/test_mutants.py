"""Break a call that carries a chapter's messages, and a claim must fail: ``make mutants``, slow."""

from pathlib import Path

import pytest
import yaml

from breaking import noticed
from cookbook.book import LAB, LESSON, Book

BOOK = Book.here()
LISTS = Path(__file__).with_name("mutants")
CALLS = [
    (path.stem, name, kind)
    for path in sorted(LISTS.glob("*.yaml"))
    for name, kind in yaml.safe_load(path.read_text()).items()
]


def pages(slug):
    return [page for page in BOOK.find(slug).pages if page.kind in (LESSON, LAB)]


def test_every_chapter_lists_the_calls_that_carry_it():
    calling = {page.name for page in BOOK.pages() if page.kind == LESSON and "replearn" in page.path.read_text("utf-8")}
    assert {slug for slug, _, _ in CALLS} == calling


@pytest.mark.mutants
@pytest.mark.parametrize("slug", sorted({slug for slug, _, _ in CALLS}))
def test_an_unbroken_chapter_holds(slug):
    trouble = noticed(pages(slug))
    assert trouble is None


@pytest.mark.mutants
@pytest.mark.parametrize("slug, name, kind", CALLS, ids=[" ".join(call) for call in CALLS])
def test_a_broken_call_fails_a_claim(slug, name, kind):
    trouble = noticed(pages(slug), name, kind)
    assert trouble, f"no claim of {slug} notices that {name} is {kind}"
