"""Sliders without a browser: what they show, measure and refuse."""

import base64
import io

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

import cookbook as cb
from cookbook.explorer import explorers
from cookbook.style import BLUE


def line(fig, slope=1.0, kind="a"):
    fig.subplots().plot([0, 1], [0, slope], label=kind)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def pixels_of(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in order."""
    things = []
    monkeypatch.setattr("cookbook.explorer.display", lambda thing, **options: things.append(thing))
    return things


def explore(*words, **controls):
    """Show an explorer and return it."""
    cb.explore(*words, **controls)
    return explorers[-1]


def test_it_shows_a_still_picture_under_drawn_sliders_and_then_the_living_one(shown):
    explorer = explore(line, slope=(0.0, 2.0), kind=["a", "b"])
    still, box = shown
    assert still["text/plain"] == "Sliders: slope = 1.0, kind = a"
    picture = pixels(base64.b64decode(still["image/png"]))
    controls_above = picture[: len(picture) - 360]
    assert picture.shape[1:] == (720, 3) and len(controls_above) > 50
    assert (controls_above[:26] == pixels_of(BLUE)).all(axis=2).any()
    assert np.array_equal(picture[-360:], pixels(explorer.picture))
    assert "application/vnd.jupyter.widget-view+json" in box._repr_mimebundle_()


def test_a_narrow_picture_leaves_room_for_its_sliders(shown):
    explore(lambda fig, x: None, x=(0, 4), figsize=(3, 3))
    still = pixels(base64.b64decode(shown[0]["image/png"]))
    assert still.shape[1] == 540 and np.array_equal(still[-300:, :300], pixels(explorers[-1].picture))


@pytest.mark.parametrize(
    "control",
    [(0, 5), (0.0, 1.0), ["p", "q"], True, cb.log_slider(1, 0.1, 10), widgets.SelectionSlider(options=[1, 2, 4])],
)
def test_every_kind_of_control_can_be_drawn(shown, control):
    explore(lambda fig, x: fig.text(0.5, 0.5, str(x)), x=control)
    assert pixels(base64.b64decode(shown[0]["image/png"]))[:26].min() < 128


def test_data_is_handed_on_and_takes_no_control():
    seen = []
    explore(lambda fig, table, x: seen.append((table, x)), [1, 2], x=(0, 4))
    assert seen == [([1, 2], 2)]
    with pytest.raises(ValueError, match="not \\['table'\\]"):
        explore(lambda fig, table, x: None, [1, 2], table=(0, 1))


def test_moving_a_control_redraws_the_same_figure_and_times_it():
    explorer = explore(line, slope=(0.0, 2.0))
    figure, before = explorer.figure, explorer._picture.value
    explorer.controls["slope"].value = 0.2
    assert explorer.figure is figure and len(figure.axes) == 1
    assert not np.array_equal(pixels(before), pixels(explorer._picture.value))
    assert len(explorer.redraw_seconds) == 1 and explorer.redraw_seconds[0] > 0


def test_a_value_that_is_drawn_already_is_not_drawn_again():
    explorer = explore(line, slope=(0.0, 2.0))
    explorer._redraw(None)
    assert len(explorer.redraw_seconds) == 0


def test_an_error_while_dragging_is_told_and_the_last_picture_stays():
    def draw(fig, x):
        if x > 5:
            raise ValueError("too <large>")

    explorer = explore(draw, x=(0, 10))
    explorer.controls["x"].value = 9
    assert "too &lt;large&gt;" in explorer._message.value
    explorer.controls["x"].value = 1
    assert explorer._message.value == ""


def test_an_error_in_the_first_picture_stops_the_cell():
    def draw(fig, x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        explore(draw, x=(0, 10))


def test_measuring_moves_each_control_through_its_range_and_back():
    seen = []

    def draw(fig, whole, real, log, choice, flag):
        seen.append((whole, real, log, choice, flag))

    explorer = explore(draw, whole=(0, 4), real=(0.0, 1.0), log=cb.log_slider(1, 0.1, 10), choice=["a", "b"], flag=True)
    start = explorer.values
    times = explorer.measure(positions=5)
    assert {name: len(t) for name, t in times.items()} == {"whole": 6, "real": 6, "log": 6, "choice": 2, "flag": 2}
    assert explorer.values == start
    assert {row[0] for row in seen} == {0, 1, 2, 3, 4} and {row[3] for row in seen} == {"a", "b"}


@pytest.mark.parametrize("abbreviation", [(0, 5), (0.0, 1.0, 0.1), ["p", "q"], True, widgets.IntSlider(3)])
def test_the_abbreviations_of_interact_are_taken(abbreviation):
    def draw(fig, x):
        fig.text(0.5, 0.5, str(x))

    assert isinstance(explore(draw, x=abbreviation).controls["x"], widgets.Widget)


@pytest.mark.parametrize(
    ("controls", "message"),
    [({}, "slope, kind"), ({"colour": (0, 1)}, "colour"), ({"slope": object()}, "cannot make a control")],
)
def test_controls_that_do_not_fit_are_refused(controls, message):
    with pytest.raises(ValueError, match=message):
        explore(line, **controls)


@pytest.mark.parametrize(("value", "low", "high"), [(0.5, 0.01, 10), (1, 1, 100), (100, 1, 100), (0.3, 0.05, 20)])
def test_a_log_slider_stays_in_its_range_and_hits_its_value(value, low, high):
    slider = cb.log_slider(value, low, high)
    steps = (np.log10(slider.value) - slider.min) / slider.step
    assert slider.value == pytest.approx(value) and steps == pytest.approx(round(steps), abs=1e-6)
    assert 10**slider.min >= low * (1 - 1e-9) and 10**slider.max <= high * (1 + 1e-9)
    assert 98 <= (slider.max - slider.min) / slider.step <= 100.001


@pytest.mark.parametrize(("value", "low", "high"), [(0.5, 0, 1), (2, 3, 4), (1, 1, 1)])
def test_a_log_slider_refuses_an_impossible_range(value, low, high):
    with pytest.raises(ValueError, match="0 < low"):
        cb.log_slider(value, low, high)


def test_the_number_one_in_a_list_is_no_tick(shown, monkeypatch):
    words = []
    monkeypatch.setattr("matplotlib.axes.Axes.text", lambda ax, x, y, text, **style: words.append(text))
    cb.explore(lambda fig, weight=1: None, weight=[0, 1, 2])
    assert "1 ▾" in words and "☑" not in words
