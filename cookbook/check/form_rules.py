"""Rules for the form of a lesson and a lab: ceilings that a reader feels, where the slider stands, and no answers."""

import re

from cookbook.book import LAB, LESSON
from cookbook.check.subject import code_lines, is_folded, measured_in, tags, words
from cookbook.notebooks import code

LINES = {LESSON: 350, LAB: 400}
CELL_LINES = 12
CELL_WORDS = 200
LINES_BEFORE_PICTURE = 12
MEASURES = 2
EXERCISE = re.compile(r"(?:#+ [^\n]*\n+)?\*\*([A-Z]?\d+(?:\.\d+)?)\*\* (●○○|●●○|●●●) (\d+) min\. ")
HINT = re.compile(r"<details>\s*<summary>Hint</summary>")
FOLD = re.compile(r"<summary>(.*?)</summary>", re.S)
ANSWER = re.compile(r"^(?:#+ |\*\*)(?:Solution|Answer)", re.I | re.M)


def length(subject):
    limit = LINES.get(subject.page.kind)
    if limit and (lines := len(subject.text.splitlines())) > limit:
        yield f"the source has {lines} lines, at most {limit} are allowed for a {subject.page.kind}"


def cell_length(subject):
    for index, cell in subject.numbered("code") if subject.is_read else ():
        if (lines := code_lines(cell)) > CELL_LINES:
            yield f"cell {index} has {lines} lines of code, at most {CELL_LINES} are allowed"


def cell_words(subject):
    for index, cell in subject.numbered("markdown") if subject.is_read else ():
        if (count := words(cell.source)) > CELL_WORDS:
            yield f"cell {index} has {count} words, at most {CELL_WORDS} are allowed"


def measures(subject):
    for index, cell in subject.numbered("code") if subject.is_read else ():
        if (count := len(measured_in(cell.source))) > MEASURES:
            yield f"cell {index} measures {count} claims, at most {MEASURES} are allowed"


def opening(subject):
    """The reader sees a picture before much code."""
    if subject.page.kind != LESSON or not subject.built:
        return
    lines = 0
    for cell in subject.built.cells:
        if cell.cell_type == "markdown" and "![" in cell.source:
            return
        if cell.cell_type == "code":
            lines += 0 if is_folded(cell) else code_lines(cell)
            if lines > LINES_BEFORE_PICTURE:
                yield f"{lines} lines of code can be seen before the first picture, at most {LINES_BEFORE_PICTURE} may"
                return
            if any("image/png" in output.get("data", {}) for output in cell.outputs):
                return


def slider(subject):
    if subject.page.kind != LESSON:
        return
    lines = subject.text.splitlines()
    first = next((number for number, line in enumerate(lines, 1) if "cb.explore(" in line), None)
    if first is None:
        yield "there is no slider: call cb.explore"
    elif first > len(lines) * 2 / 3:
        yield f"the first slider stands at line {first} of {len(lines)}: put it at the theorem, in the first two thirds"


def ending(subject):
    for call in ("ch.report()", "ch.footer()") if subject.is_read else ():
        if call not in code(subject.source):
            yield f"the page must end with {call}"


def exercises(subject):
    if not subject.is_read:
        return
    found = [i for i, cell in enumerate(subject.source.cells) if "exercise" in tags(cell)]
    if not found and subject.page.kind == LESSON and not subject.page.chapter.opens:
        yield "there is no exercise: tag a Markdown cell 'exercise'"
    for index in found:
        cell = subject.source.cells[index]
        if not EXERCISE.match(cell.source):
            yield f"the exercise in cell {index + 1} must begin like '**1** ●○○ 5 min. ': number, level, minutes"
        if not HINT.search(cell.source):
            yield f"the exercise in cell {index + 1} has no hint: <details><summary>Hint</summary>...</details>"
        if "answer" not in tags((subject.source.cells[index + 1 :] or [cell])[0]):
            yield f"the exercise in cell {index + 1} is not followed by a cell tagged 'answer' for the reader"


def answers(subject):
    if not subject.is_read:
        return
    for index, cell in enumerate(subject.source.cells, 1):
        if "solution" in tags(cell) or (cell.cell_type == "markdown" and ANSWER.search(cell.source)):
            yield f"cell {index} gives a solution: it belongs on the page of solutions"
        if "answer" in tags(cell) and any(
            not line.startswith("#") for line in cell.source.splitlines() if line.strip()
        ):
            yield f"cell {index} is for the reader's answer and must hold nothing but a comment"
        for fold in FOLD.findall(cell.source) if cell.cell_type == "markdown" else ():
            if fold != "Hint":
                yield f"cell {index} folds away '{fold}': only a hint may be folded"
    for index, cell in subject.stored_code():
        if "answer" in tags(cell) and cell.outputs:
            yield f"cell {index} is for the reader's answer, but its output is stored"


RULES = (length, cell_length, cell_words, measures, opening, slider, ending, exercises, answers)
