"""The command line as a reader types it, through papermill and a real kernel."""

import signal
import subprocess
import sys
import time

import psutil
import pytest
from editing import edit

from cookbook.build import build
from cookbook.cli import _value, main
from cookbook.notebooks import read_built

CLAIM = 'ch.measure("more1", error=0)'


@pytest.fixture
def cookbook(monkeypatch, capsys):
    """Run a command in this process; return its exit code, output and errors, without line breaks."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["cookbook", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return stopped.value.code or 0, *(" ".join(text.replace("│", " ").split()) for text in captured)

    return run


def test_a_good_run_prints_its_claims_and_keeps_the_notebook(book, cookbook):
    code, out, err = cookbook("run", "example", "--scale", "fast", "-p", "seed=3")
    assert (code, err) == (0, "")
    assert "5 of 5 claims hold" in out and "(scale fast, seed 3)" in out
    assert (book.root / "runs" / "example.fast.ipynb").exists()


def test_a_failing_claim_is_shown_and_fails(book, cookbook):
    edit(book.page("example").path, CLAIM, CLAIM.replace("error=0", "error=5"))
    code, out, err = cookbook("run", "example", "--scale", "fast")
    assert code == 1
    assert "4 of 5 claims hold" in out and "✗" in out
    assert "ClaimsFailed" in err and "more1: error 5, claimed ≤ 1e-06" in err


def test_a_cell_that_raises_is_named_with_its_last_lines(book, cookbook):
    edit(book.page("example").path, CLAIM, "values = {}\nvalues['missing']")
    code, _, err = cookbook("run", "example", "--scale", "fast")
    kept = book.root / "runs" / "example.fast.ipynb"
    assert code == 1
    assert "KeyError: 'missing'" in err and str(kept) in err.replace(" ", "")
    assert "cell 9 failed" in err


def test_a_cell_that_takes_too_long_is_stopped(book, cookbook):
    edit(book.page("example").path, CLAIM, "import time; time.sleep(60)")
    code, _, err = cookbook("run", "example", "--scale", "fast", "--timeout", "2")
    assert code == 1
    assert "more than 2 seconds" in err and "--timeout" in err


def test_ctrl_c_leaves_no_kernel_behind(book):
    edit(
        book.page("example").path,
        CLAIM,
        f"open({str(book.root / 'reached')!r}, 'w').close(); import time; time.sleep(60)",
    )
    command = [sys.executable, "-m", "cookbook", "run", "example", "--scale", "fast"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (book.root / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    kernels = psutil.Process(process.pid).children(recursive=True)
    assert kernels
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    _, alive = psutil.wait_procs(kernels, timeout=10)
    assert alive == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "exampel"], "did you mean 'example'"),
        (["run", "example", "-p", "temperature=1"], "it has scale, seed"),
        (["run", "example", "-p", "seed"], "NAME=VALUE"),
        (["run", "example", "-p", "seed=soon"], "seed of example is 0 by default: 'soon' cannot stand in its place"),
        (["run", "example", "-p", "seed=0.5"], "0.5 cannot stand"),
        (["run", "example", "-p", "seed=true"], "True cannot stand"),
        (["run", "example", "-p", "scale=huge"], "scale must be one of fast, toy, paper"),
        (["run", "example", "--scale", "huge"], "huge"),
        (["show", "nothing"], "cookbook list"),
        (["check", "nothing"], "cookbook list"),
        (["new", "9_part/01_x", "--paper", "balestriero2022spectral"], "2_spectral/02_kernel_regime"),
        (["new", "2_spectral/08_other", "--paper", "nobody"], "no entry 'nobody'"),
        (["new", "2_spectral/08_example", "--paper", "balestriero2022spectral"], "already"),
        (["fly"], "fly"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(book, cookbook, words, message):
    code, _, err = cookbook(*words)
    assert code == 2
    assert message in err and "Traceback" not in err


def test_train_hands_its_words_on_and_ends_as_the_runner_does(book, capfd, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cookbook", "train", "vigreg"])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capfd.readouterr().err
    assert stopped.value.code == 2 and "there is no recipe 'vigreg'; known are simclr" in said
    assert "Traceback" not in said


def test_list_show_and_claims_read_what_was_built(book, cookbook):
    build(book.page("example"))
    code, out, _ = cookbook("list")
    assert code == 0 and "example" in out and "Part 2" in out
    code, out, _ = cookbook("show", "example")
    assert code == 0 and "Balestriero & LeCun 2022" in out and "5 of 5 claims hold" in out
    code, out, _ = cookbook("claims")
    assert code == 0 and "5 of 5 claims hold, on 1 pages" in out


def test_one_broken_card_is_told_and_the_others_are_listed(book, cookbook):
    assert cookbook("new", "5_splines/02_batch_norm", "--paper", "humayun2023splinecam")[0] == 0
    edit(book.find("batch_norm").folder / "card.yaml", "level: 2", "level: high")
    code, out, err = cookbook("list")
    assert code == 0 and "example" in out and "level must be 1, 2 or 3" in err
    code, out, _ = cookbook("check", "example")
    assert "level" not in out


def test_a_new_chapter_passes_all_but_what_its_author_must_write(book, cookbook):
    code, _, _ = cookbook("new", "5_splines/02_batch_norm", "--paper", "humayun2023splinecam")
    assert code == 0
    code, out, _ = cookbook("check", "batch_norm")
    assert code == 1 and "4 problems" in out and out.count("[built]") == 3 and "[messages]" in out
    code, _, err = cookbook("run", "batch_norm", "--scale", "fast")
    assert code == 1 and "first: error nan" in err
    code, _, err = cookbook("new", "5_splines/03_open_lab", "--paper", "humayun2023splinecam")
    assert code == 2 and "another name" in err


def test_building_twice_changes_no_file_and_stores_a_picture_but_no_widget(book):
    page = book.page("example")
    assert build(page) is True
    stored = page.notebook.read_bytes()
    assert build(page) is False
    assert page.notebook.read_bytes() == stored
    assert b"image/png" in stored and b"widget-view" not in stored and b"papermill" not in stored
    assert all(cell.execution_count for cell in read_built(page).cells if cell.cell_type == "code")


def test_building_a_chapter_builds_its_pages_and_refreshes_what_is_generated(book, cookbook):
    code, out, _ = cookbook("build", "example")
    assert code == 0 and "example_lab: refreshed" in out and "page of symbols refreshed" in out
    code, out, _ = cookbook("check")
    assert (code, out.strip()) == (0, "no problems")
    code, out, _ = cookbook("build", "example_lab")
    assert code == 0 and out.strip() == "example_lab: unchanged"


VALUES = {"010": 10, "1e2": 100, "-4": -4, "0.5": 0.5, "true": True, "FALSE": False, "fast": "fast", "0x10": "0x10"}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values_are_read_as_people_mean_them(text, value):
    assert _value(text) == value and type(_value(text)) is type(value)


def test_an_output_that_is_a_folder_is_refused_in_a_sentence(book, cookbook, tmp_path):
    code, _, err = cookbook("run", "example", "--scale", "fast", "--output", str(tmp_path))
    assert code in (1, 2) and "Traceback" not in err and tmp_path.name in err
