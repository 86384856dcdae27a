"""Each chapter as a reader meets it: opened in JupyterLab, run whole, and every slider moved."""

import pytest
from notebook import controls, errors, move, open_notebook, picture, run_all

from cookbook.book import Book

BOOK = Book.here()
PAGES = {card.slug: card.notebook.relative_to(BOOK.root).as_posix() for card in BOOK.chapters()}


@pytest.mark.parametrize("name", PAGES)
def test_chapter_runs_and_every_slider_moves_its_picture(page, lab, name):
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    open_notebook(page, lab, PAGES[name])

    assert errors(run_all(page)) == []

    explorers = page.locator(".cookbook-explore")
    assert explorers.count() > 0
    for explorer in explorers.all():
        explorer.scroll_into_view_if_needed()
        assert controls(explorer)
        for control in controls(explorer):
            before = picture(explorer)
            move(page, control)
            _until(page, lambda explorer=explorer, before=before: picture(explorer) != before)
    assert complaints == []


def _until(page, condition, seconds=10):
    for _ in range(seconds * 20):
        if condition():
            return
        page.wait_for_timeout(50)
    pytest.fail("the slider moved, but its picture did not change")
