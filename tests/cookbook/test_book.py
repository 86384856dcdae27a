"""Folders, pages, the bibliography, and what is generated from all chapters."""

import pytest
from editing import edit

from cookbook.book import Book
from cookbook.errors import BookError
from cookbook.notation import clashes, notation_markdown
from cookbook.skeleton import new_chapter
from cookbook.toc import BEGIN, END, contents_markdown, readme_contents

PAPER = "balestriero2022spectral"


def test_the_real_book_is_read_in_order():
    book = Book.here()
    slugs = book.slugs()
    assert slugs[0] == "start_here"
    assert slugs.index("canonical_correlation") < slugs.index("spectral_embedding") < slugs.index("splinecam")
    assert [part.number for part in book.parts] == list(range(1, 9))
    assert book.broken() == {}


def test_every_author_is_named_while_there_are_two_and_et_al_beyond(book):
    assert book.papers["balestriero2023cookbook"].short == "Balestriero et al. 2023"
    assert 'href="https://arxiv.org/abs/2205.11508"' in book.papers[PAPER].html()


def test_a_chapter_has_up_to_three_pages_each_with_a_name(book):
    chapter = book.find("example")
    assert [page.name for page in chapter.pages] == ["example", "example_lab", "example_solutions"]
    assert book.page("example_lab").title == "Example: lab"
    assert book.page("example").notebook == chapter.folder / "example.ipynb"
    book.page("example_lab").path.unlink()
    with pytest.raises(BookError, match="example has no lab; it has example, example_solutions"):
        book.page("example_lab")


def test_an_unknown_chapter_is_met_with_a_suggestion(book):
    with pytest.raises(BookError, match="did you mean 'example'"):
        book.page("exmaple")
    with pytest.raises(BookError, match="cookbook list"):
        book.find("zzz")


def test_a_broken_card_never_takes_down_the_other_chapters(book):
    new_chapter(book, "2_spectral/08_other", title="", paper=PAPER)
    edit(book.find("example").folder / "card.yaml", "title: Example", "title: [")
    assert [chapter.slug for chapter in book.chapters()] == ["other"]
    ((folder, message),) = book.broken().items()
    assert folder.name == "07_example" and "chapters/2_spectral/07_example: card.yaml cannot be read" in message
    with pytest.raises(BookError, match="cannot be read"):
        book.find("example")
    assert "[Other]" in contents_markdown(book, book.root)


def test_a_folder_without_chapters_is_no_book(tmp_path):
    with pytest.raises(BookError, match="COOKBOOK_ROOT"):
        Book(tmp_path)


def test_chapters_know_their_neighbours(book):
    new_chapter(book, "2_spectral/08_other", title="", paper=PAPER)
    before, after = book.neighbours(book.find("other"))
    assert before.slug == "example" and after is None
    before, after = book.neighbours(book.find("example"))
    assert before is None and after.slug == "other"


def test_the_contents_link_each_chapter_and_name_empty_parts(book):
    text = contents_markdown(book, book.root)
    assert "- [Example](chapters/2_spectral/07_example/example.ipynb) ●●○: One sentence" in text
    assert text.count("*In preparation.*") == 7
    assert "](../2_spectral/07_example/example.ipynb)" in contents_markdown(book, book.folder / "00_start_here")


def test_a_parts_page_has_the_name_of_its_part_and_is_linked_from_its_title(book):
    for place in ("1_recipes/00_part", "2_spectral/00_part"):
        new_chapter(book, place, title="", paper=PAPER)
    assert book.slugs() == ["part_1", "part_2", "example"]
    assert book.find("part_2").opens and not book.find("example").opens
    text = contents_markdown(book, book.root)
    assert "**Part 2 · [What SSL learns, in closed form](chapters/2_spectral/00_part/part_2.ipynb).**" in text
    assert text.count("\n- ") == 1


def test_the_readme_keeps_what_is_around_its_contents(book):
    (book.root / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    text, fresh = readme_contents(book)
    assert text != fresh and fresh.startswith("before\n") and fresh.endswith("after\n") and "old" not in fresh
    (book.root / "README.md").write_text("nothing")
    with pytest.raises(BookError, match="needs the two lines"):
        readme_contents(book)


def test_a_symbol_has_one_meaning_in_a_part_and_one_on_the_start_page(book):
    for place in ("00_start_here", "1_recipes/01_first", "2_spectral/08_other"):
        (book.folder / place).parent.mkdir(exist_ok=True)
        new_chapter_anywhere(book, place)
    edit(book.find("other").folder / "card.yaml", "w: the weight", "w: the width")
    assert [clash[2] for clash in clashes(book, book.find("other"))] == ["start_here", "example"]
    assert list(clashes(book, book.find("first"))) == []
    text = notation_markdown(book)
    assert "| $w$ | the weight that the chapter is about | Start here |" in text
    assert text.index("## Everywhere") < text.index("## Part 1") < text.index("## Part 2")


def new_chapter_anywhere(book, place):
    """As ``new_chapter``, and the start page too, which belongs to no part."""
    part, _, name = place.rpartition("/")
    folder = new_chapter(book, f"{part or '1_recipes'}/{name}", title="", paper=PAPER)
    if not part:
        folder.rename(book.folder / name)
