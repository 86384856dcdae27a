"""What a slider does when its picture is slow or wrong."""

import nbformat
from notebook import open_notebook, picture, run_all, until

from cookbook.notebooks import KERNEL

DRAW = """
import time, cookbook as cb
from pathlib import Path
drawn = []
def draw(fig, step):
    while step > 50 and not Path("all_pressed").exists():
        time.sleep(0.01)
    drawn.append(step)
    if step == 3:
        raise ValueError("three is not drawn")
    fig.subplots().set_title(str(step))
cb.explore(draw, step=(0, 100))
"""
PRESSES = 20


def _show(page, lab, name):
    cells = [nbformat.v4.new_code_cell(DRAW), nbformat.v4.new_code_cell("print(drawn[-1], len(drawn))")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, lab.root / name)
    open_notebook(page, lab, name)
    run_all(page)
    handle = page.locator(".cookbook-explore .noUi-handle")
    handle.focus()
    return handle


def test_a_slow_picture_skips_to_the_newest_value(page, lab):
    handle = _show(page, lab, "slow.ipynb")
    for _ in range(PRESSES):
        page.keyboard.press("ArrowRight")
    value = 50 + PRESSES
    until(page, lambda: int(float(handle.get_attribute("aria-valuenow"))) == value, "the handle")
    (lab.root / "all_pressed").touch()
    until(page, lambda: _drawn(page)[0] == value, "the newest value")
    assert _drawn(page)[1] < PRESSES / 2


def _drawn(page):
    """The value that was drawn last and the number of drawings, as the second cell prints them."""
    output = page.locator(".jp-OutputArea-output pre").last
    page.evaluate("""async () => {
        const commands = window.jupyterapp.commands, panel = window.jupyterapp.shell.currentWidget;
        panel.content.activeCellIndex = 1;
        await commands.execute('notebook:run-cell');
    }""")
    return [int(number) for number in output.inner_text().split()]


def test_an_error_in_draw_is_shown_below_the_picture_and_goes_away(page, lab):
    handle = _show(page, lab, "wrong.ipynb")
    page.keyboard.press("Home")
    until(page, lambda: _drawn(page)[0] == 0, "the first value")
    before = picture(page.locator(".cookbook-explore"))
    handle.focus()
    for value in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        until(page, lambda value=value: _drawn(page)[0] == value, "the next value")
        handle.focus()
    message = page.locator(".cookbook-explore", has_text="three is not drawn")
    message.wait_for()
    handle.press("ArrowRight")
    message.wait_for(state="detached")
    assert picture(page.locator(".cookbook-explore")) != before
