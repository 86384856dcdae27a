"""Driving one notebook in JupyterLab: open, run, and the state of its sliders."""

import json

RUN_SECONDS = 240
APP = "window.jupyterapp"
PICTURE = """async image => {
    const bytes = await (await fetch(image.src)).arrayBuffer();
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    return Array.from(new Uint8Array(digest)).join();
}"""


def open_notebook(page, lab, path):
    """Open ``path`` and wait until its kernel is idle."""
    page.goto(f"{lab.address}/lab/tree/{path}?token={lab.token}&reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    page.wait_for_function(f"{APP}?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'")


def run_all(page):
    """Run all cells; return the notebook as it then stands."""
    page.set_default_timeout(RUN_SECONDS * 1000)
    page.evaluate(f"async () => {{ await {APP}.commands.execute('notebook:run-all-cells'); }}")
    page.wait_for_function(f"{APP}.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
    return json.loads(page.evaluate(f"() => JSON.stringify({APP}.shell.currentWidget.content.model.toJSON())"))


def errors(notebook):
    """The errors among the outputs, as 'name: value'."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [f"{o['ename']}: {o['evalue']}" for cell in cells for o in cell["outputs"] if o["output_type"] == "error"]


def picture(explorer):
    """A hash of the picture that an explorer shows."""
    return explorer.locator("img").first.evaluate(PICTURE)


def controls(explorer):
    """What the keyboard can move in an explorer: slider handles, lists, check boxes."""
    return explorer.locator(".noUi-handle, select, input[type=checkbox]").all()


def move(page, control):
    """Move a control as far as a reader would to see a change: sliders and boxes by keyboard, lists by choosing."""
    control.focus()
    kind = control.evaluate("element => element.tagName")
    if kind == "INPUT":
        page.keyboard.press("Space")
    elif kind == "SELECT":
        control.select_option(index=control.evaluate("element => element.selectedIndex === 0 ? 1 : 0"))
    else:
        at_end = control.evaluate("element => Number(element.ariaValueNow) >= Number(element.ariaValueMax)")
        for _ in range(5):
            page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")


def save(page):
    """Save as Ctrl+S does, and wait until the server has it."""
    page.evaluate(f"async () => {{ await {APP}.shell.currentWidget.context.save(); }}")


def until(page, condition, what, seconds=10):
    """Wait until ``condition()`` holds; fail with a sentence where it does not."""
    for _ in range(seconds * 20):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"waited {seconds} seconds in vain for {what}")
