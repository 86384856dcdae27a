"""Each lesson as a reader meets it: opened in JupyterLab, run whole, and every slider moved."""

import pytest
from notebook import controls, errors, move, open_notebook, picture, run_all, until

from cookbook.book import Book

BOOK = Book.here()
LESSONS = {c.slug: c.lesson.notebook.relative_to(BOOK.root).as_posix() for c in BOOK.chapters()}


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_runs_and_every_slider_moves_its_picture(page, lab, name):
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    open_notebook(page, lab, LESSONS[name])

    assert errors(run_all(page)) == []

    explorers = page.locator(".cookbook-explore")
    assert explorers.count() > 0
    for explorer in explorers.all():
        explorer.scroll_into_view_if_needed()
        assert controls(explorer)
        for control in controls(explorer):
            before = picture(explorer)
            move(page, control)
            until(page, lambda explorer=explorer, before=before: picture(explorer) != before, "the picture to change")
    assert complaints == []
