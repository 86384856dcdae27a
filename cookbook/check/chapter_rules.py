"""Rules for a chapter as a whole: its card, its claims, and a solution for each exercise."""

from collections import Counter

from cookbook.book import LESSON, SOLUTIONS
from cookbook.check.form_rules import EXERCISE
from cookbook.check.subject import tags
from cookbook.notation import clashes
from cookbook.stored import stored_claims

FEWEST_MESSAGES, MOST_MESSAGES = 4, 8


def needs(book, chapter, subjects):
    for slug in chapter.card.needs:
        if slug not in book.slugs():
            yield f"the card needs a chapter {slug!r}, which does not exist"


def pages(book, chapter, subjects):
    if chapter.pages[:1] != [chapter.lesson]:
        yield f"there is no lesson: {chapter.lesson.path.name}"
    for page in () if chapter.opens else ("lab", SOLUTIONS):
        if page not in [found.kind for found in chapter.pages]:
            yield f"there is no page {chapter.slug}_{page}.py"


def claims(book, chapter, subjects):
    """Every claim of the card is measured exactly once over lesson and lab."""
    found = Counter(claim for subject in subjects if subject.is_read for claim in subject.measured())
    if found.pop(None, 0):
        yield "ch.measure must name its claim in the call itself: ch.measure('a-claim', ...)"
    for claim in chapter.card.claims:
        if found[claim] != 1:
            yield f"claim {claim!r} is measured {found[claim]} times over lesson and lab; once is right"
    for claim in found:
        if claim not in chapter.card.claims:
            yield f"claim {claim!r} is measured, but not on the card"


def messages(book, chapter, subjects):
    if not any(claim.role == "control" for claim in chapter.card.claims.values()):
        yield "no claim says what must not happen: give one the role control"
    for subject in subjects:
        if subject.page.kind == LESSON:
            roles = [chapter.card.claims[id].role for id in subject.measured() if id in chapter.card.claims]
            fewest = 1 if chapter.opens else FEWEST_MESSAGES
            if not fewest <= (count := roles.count("message")) <= MOST_MESSAGES:
                yield f"the lesson measures {count} messages, {fewest} to {MOST_MESSAGES} are right"


def stored(book, chapter, subjects):
    """What the stored notebooks report holds, and is all that they measure."""
    for subject in subjects:
        table = subject.built and stored_claims(subject.built)
        if not subject.is_read or not subject.built:
            continue
        rows = {row["id"]: row["holds"] for row in table["claims"]} if table else {}
        for claim in subject.measured():
            if claim is not None and claim not in rows:
                yield f"claim {claim!r} is not in the table stored in {subject.page.notebook.name}"
        for claim, holds in rows.items():
            if not holds:
                yield f"claim {claim!r} does not hold as stored in {subject.page.notebook.name}"


def symbols(book, chapter, subjects):
    if not chapter.card.symbols and not chapter.opens:
        yield "the card explains no symbols: list those of its formulas under symbols"
    for symbol, meaning, other, their_meaning in clashes(book, chapter):
        yield f"symbol {symbol} means '{meaning}' here and '{their_meaning}' in {other}: one meaning in a part"


def solutions(book, chapter, subjects):
    asked = [number for subject in subjects if subject.is_read for number in _numbers(subject, "exercise")]
    solved = {
        number for subject in subjects if subject.page.kind == SOLUTIONS for number in _numbers(subject, "solution")
    }
    for number, count in Counter(number for number, _ in asked).items():
        if count > 1:
            yield f"exercise {number} stands {count} times over lesson and lab: each has a number of its own"
    for number, level in asked:
        if (number, level) not in solved:
            yield f"exercise {number} {level} has no solution: a Markdown cell tagged 'solution' that begins like it"
    levels = {level for _, level in asked}
    if asked and not {"●○○", "●●●"} <= levels:
        yield "the exercises of a chapter reach from a warm-up (●○○) to research (●●●)"


def _numbers(subject, tag):
    """The (number, level) of each cell with a tag."""
    found = [EXERCISE.match(cell.source) for _, cell in subject.numbered("markdown") if tag in tags(cell)]
    return [(match[1], match[2]) for match in found if match]


RULES = (needs, pages, claims, messages, stored, symbols, solutions)
