"""What the rules look at: one page with its source and its stored notebook, and what is read off them."""

import ast
import re
from dataclasses import dataclass

from cookbook.book import LAB, LESSON


@dataclass(frozen=True)
class Subject:
    """A page, its source as a notebook, and the stored notebook, which may be missing."""

    book: object
    page: object
    source: object
    built: object

    @property
    def is_read(self):
        """Whether this is a page for reading, a lesson or a lab, whose form is bound."""
        return self.page.kind in (LESSON, LAB)

    @property
    def text(self):
        return self.page.path.read_text("utf-8")

    def numbered(self, kind):
        """The source's cells of one kind with their numbers, counted from 1 over all cells."""
        return [(i, cell) for i, cell in enumerate(self.source.cells, 1) if cell.cell_type == kind]

    def stored_code(self):
        """The code cells of the stored notebook with their numbers; none of a missing one."""
        stored = self.built.cells if self.built else []
        return [(i, cell) for i, cell in enumerate(stored, 1) if cell.cell_type == "code"]

    def measured(self):
        """The claims that the page measures, in order; None in the place of one whose name is not written out."""
        return [claim for _, cell in self.numbered("code") for claim in measured_in(cell.source)]


def tags(cell):
    return cell.metadata.get("tags", [])


def is_folded(cell):
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def code_lines(cell):
    """The number of lines of a code cell that are not blank."""
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def words(text):
    """The number of words of a Markdown cell, without tables, equations, HTML tags and the targets of links."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", " ", text, flags=re.S)
    text = re.sub(r"^\s*\|.*$", " ", text, flags=re.M)
    text = re.sub(r"\]\([^)]*\)|<[^>]*>", " ", text)
    return len(re.findall(r"\w[\w'’.-]*", text))


def measured_in(source):
    """The claims that code measures, in order: the first argument of each ``ch.measure``, None if not literal."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_measure(node.func)]
    calls.sort(key=lambda call: call.lineno)
    first = [call.args[0] if call.args else None for call in calls]
    return [node.value if isinstance(node, ast.Constant) else None for node in first]


def _is_measure(function):
    return isinstance(function, ast.Attribute) and function.attr == "measure" and ast.unparse(function.value) == "ch"
