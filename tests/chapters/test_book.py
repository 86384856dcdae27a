"""The real book keeps its contract, and its claims hold where they are stored."""

import pytest

from cookbook.book import LESSON, Book
from cookbook.check import check
from cookbook.stored import read_claims

BOOK = Book.here()


def test_the_book_breaks_no_rule():
    assert check(BOOK) == []


@pytest.mark.parametrize("name", [page.name for page in BOOK.pages() if page.kind == LESSON])
def test_every_stored_claim_holds(name):
    claims = read_claims(BOOK.page(name).notebook)["claims"]
    assert claims and [row["id"] for row in claims if not row["holds"]] == []
