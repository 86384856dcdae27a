"""Cards, the bibliography, and the table of contents."""

import pytest
from editing import edit

from cookbook.book import Book, BookError
from cookbook.contents import BEGIN, END, contents_markdown, readme_contents
from cookbook.skeleton import new_chapter


def test_the_real_book_is_read_in_order():
    book = Book.here()
    slugs = book.slugs()
    assert slugs[0] == "start_here"
    assert slugs.index("canonical_correlation") < slugs.index("spectral_embedding") < slugs.index("splinecam")
    assert [part.number for part in book.parts] == list(range(1, 9))
    assert book.find("spectral_embedding").source == "Balestriero & LeCun 2022"


def test_every_author_is_named_while_there_are_two_and_et_al_beyond(book):
    assert book.papers["balestriero2023cookbook"].short == "Balestriero et al. 2023"
    assert 'href="https://arxiv.org/abs/2205.11508"' in book.papers["balestriero2022spectral"].html()


def test_an_unknown_chapter_is_met_with_a_suggestion(book):
    with pytest.raises(BookError, match="did you mean 'example'"):
        book.find("exmaple")
    with pytest.raises(BookError, match="cookbook list"):
        book.find("zzz")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("#     minutes: 20\n", "", "lacks minutes"),
        ("[balestriero2022spectral]", "[nobody1900]", "no entry .* nobody1900"),
        ("#     minutes: 20\n", "#     minutes: 20\n#     colour: red\n", "unknown fields colour"),
    ],
)
def test_a_broken_card_says_what_is_wrong(book, old, new, message):
    edit(book.files()[0], old, new)
    with pytest.raises(BookError, match=message):
        book.chapters()


def test_a_folder_without_chapters_is_no_book(tmp_path):
    with pytest.raises(BookError, match="COOKBOOK_ROOT"):
        Book(tmp_path)


def test_the_contents_link_each_chapter_and_name_empty_parts(book):
    text = contents_markdown(book, book.root)
    assert "- [Example](chapters/2_spectral/07_example.ipynb): One sentence" in text
    assert text.count("*In preparation.*") == 7


def test_a_parts_page_has_the_name_of_its_part_and_is_linked_from_its_title(book):
    for place in ("1_recipes/00_part", "2_spectral/00_part"):
        new_chapter(book, place, title="", paper="balestriero2022spectral")
    assert book.slugs() == ["part_1", "part_2", "example"]
    assert book.find("part_2").opens and not book.find("example").opens
    text = contents_markdown(book, book.root)
    assert "**Part 2 · [What SSL learns, in closed form](chapters/2_spectral/00_part.ipynb).**" in text
    assert text.count("\n- ") == 1


def test_the_readme_keeps_what_is_around_its_contents(book):
    (book.root / "README.md").write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    text, fresh = readme_contents(book)
    assert text != fresh and fresh.startswith("before\n") and fresh.endswith("after\n") and "old" not in fresh
    (book.root / "README.md").write_text("nothing")
    with pytest.raises(BookError, match="needs the two lines"):
        readme_contents(book)
