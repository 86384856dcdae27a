"""What stands at the top and at the bottom of a page: the card, and the ways to other pages."""

from html import escape

from cookbook.book import LESSON
from cookbook.errors import BookError
from cookbook.explorer import STYLE


class Header:
    """The card as a reader sees it: paper, level, minutes, needs, and the box for a researcher."""

    def __init__(self, book, page, scale, seed):
        self.book, self.page, self.scale, self.seed = book, page, scale, seed

    def _repr_html_(self):
        card = self.page.chapter.card
        rows = [f"{paper.html()}{', ' + escape(card.where) if card.where and not i else ''}"
                for i, paper in enumerate(card.references)]  # fmt: skip
        rows.append(f"Level {card.stars} · {card.minutes}")
        rows.append(f"Needs {_needs(self.book, self.page)}")
        rows.append(f"Scale <b>{self.scale}</b>, seed {self.seed}" + _gpu(card))
        style = "border-left:4px solid #0072b2;padding:0.3em 0.9em"
        return f'<style>{STYLE}</style><div style="{style}">{"<br>".join(rows)}{_result(card)}</div>'

    def __repr__(self):
        return f"{self.page.title}, scale {self.scale}, seed {self.seed}"


class Footer:
    """The chapter's other pages, and the chapters before and after it."""

    def __init__(self, book, page):
        self.book, self.page = book, page

    def _repr_html_(self):
        chapter = self.page.chapter
        before, after = self.book.neighbours(chapter)
        ways = [f"← {_link(self.page, before.lesson)}"] if before else []
        ways += [_link(self.page, page, page.kind) for page in chapter.pages if page.kind != self.page.kind]
        ways += [f"{_link(self.page, after.lesson)} →"] if after else []
        return f'<div style="border-top:1px solid #ccd;padding-top:0.4em">{" &ensp;·&ensp; ".join(ways)}</div>'

    def __repr__(self):
        before, after = self.book.neighbours(self.page.chapter)
        names = [way.card.title for way in (before, after) if way]
        return " · ".join(names)


def _needs(book, page):
    if page.kind != LESSON:
        return _link(page, page.chapter.lesson, "the lesson")
    return ", ".join(_needed(book, page, slug) for slug in page.chapter.card.needs) or "no other chapter"


def _needed(book, page, slug):
    try:
        return _link(page, book.find(slug).lesson)
    except BookError:
        return f"<code>{escape(slug)}</code>"


def _gpu(card):
    return f" · scale <code>paper</code> asks for {escape(card.gpu)}" if card.gpu else ""


def _result(card):
    if card.result is None:
        return ""
    code = [f"<code>{escape(text)}</code>" for text in (card.result.code, card.result.train) if text]
    return (
        f"<details><summary>For a researcher: one result and its code</summary>"
        f"{escape(card.result.says)}<br>{' &ensp;·&ensp; '.join(code)}</details>"
    )


def _link(page, other, text=None):
    target = other.link(page.notebook.parent)
    return f'<a href="{escape(target)}">{escape(text or other.title)}</a>'
