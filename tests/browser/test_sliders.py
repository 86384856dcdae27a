"""What a slider does when its picture is slow or wrong."""

import nbformat
from notebook import open_notebook, picture, run_all

from cookbook.notebooks import KERNEL

DRAW = """
import time, cookbook as cb
drawn = []
def draw(fig, step):
    time.sleep(0.3)
    drawn.append(step)
    if step == 3:
        raise ValueError("three is not drawn")
    fig.subplots().set_title(str(step))
explorer = cb.explore(draw, step=(0, 100))
explorer
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
    page.wait_for_timeout(3000)

    value = int(float(handle.get_attribute("aria-valuenow")))
    assert value == 50 + PRESSES
    page.evaluate("""async () => {
        const commands = window.jupyterapp.commands, panel = window.jupyterapp.shell.currentWidget;
        panel.content.activeCellIndex = 1;
        await commands.execute('notebook:run-cell');
    }""")
    last, redraws = map(int, page.locator(".jp-OutputArea-output pre").last.inner_text().split())
    assert last == value
    assert redraws < PRESSES / 2


def test_an_error_in_draw_is_shown_below_the_picture_and_goes_away(page, lab):
    handle = _show(page, lab, "wrong.ipynb")
    page.keyboard.press("Home")
    page.wait_for_timeout(1500)
    before = picture(page.locator(".cookbook-explore"))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(700)
    message = page.locator(".cookbook-explore", has_text="three is not drawn")
    message.wait_for()
    handle.press("ArrowRight")
    message.wait_for(state="detached")
    assert picture(page.locator(".cookbook-explore")) != before
