"""A chapter that is opened, run, saved and reopened: no source changes, and no picture is lost."""

from notebook import open_notebook, run_all, save, until

from cookbook.book import Book

BOOK = Book.here()
CHAPTER = BOOK.find("start_here")
NOTEBOOK = CHAPTER.lesson.notebook.relative_to(BOOK.root).as_posix()
SHOWN = "elements => elements.filter(element => element.offsetParent !== null).length"


def test_running_and_saving_changes_no_source_and_reopening_keeps_the_picture(page, lab):
    folder = (lab.root / NOTEBOOK).parent
    sources = {path: path.read_bytes() for path in folder.iterdir() if path.suffix in (".py", ".yaml")}
    open_notebook(page, lab, NOTEBOOK)
    still = page.locator(".jp-RenderedImage img")
    pictures = still.count()
    run_all(page)
    living = page.locator(".cookbook-explore img")
    until(page, lambda: living.count() > 0, "a living slider")
    assert still.evaluate_all(SHOWN) == pictures - living.count()
    save(page)
    assert {path: path.read_bytes() for path in sources} == sources

    for session in lab.ask("sessions"):
        lab.ask(f"sessions/{session['id']}", "DELETE")
    open_notebook(page, lab, NOTEBOOK)
    until(page, lambda: still.evaluate_all(SHOWN) == pictures, "the still pictures")
    error = page.get_by_text("Error displaying widget")
    assert [place for place in error.all() if place.is_visible()] == []
