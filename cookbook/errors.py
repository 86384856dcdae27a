"""What the book's tools raise for a reader's mistake."""


class BookError(Exception):
    """The book does not hold what was asked for; the message says what to do."""
