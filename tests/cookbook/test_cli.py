"""The command line as a reader types it, through papermill and a real kernel."""

import signal
import subprocess
import sys
import time

import psutil
import pytest
from editing import edit

from cookbook.build import build
from cookbook.cli import main
from cookbook.notebooks import read_built

CLAIM = 'ch.claim("c1", "a claim", measured=1, below=2, control=False)'


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
    assert "3 of 3 claims hold" in out and "(scale fast, seed 3)" in out
    assert (book.root / "runs" / "example.fast.ipynb").exists()


def test_a_failing_claim_is_shown_and_fails(book, cookbook):
    edit(book.files()[0], CLAIM, CLAIM.replace("measured=1", "measured=5"))
    code, out, err = cookbook("run", "example", "--scale", "fast")
    assert code == 1
    assert "2 of 3 claims hold" in out and "✗" in out
    assert "ClaimsFailed" in err and "c1: measured 5, claimed ≤ 2" in err


def test_a_cell_that_raises_is_named_with_its_last_lines(book, cookbook):
    edit(book.files()[0], CLAIM, "values = {}\nvalues['missing']")
    code, _, err = cookbook("run", "example", "--scale", "fast")
    kept = book.root / "runs" / "example.fast.ipynb"
    assert code == 1
    assert "KeyError: 'missing'" in err and str(kept) in err.replace(" ", "")
    assert "cell 9 failed" in err


def test_a_cell_that_takes_too_long_is_stopped(book, cookbook):
    edit(book.files()[0], CLAIM, "import time; time.sleep(60)")
    code, _, err = cookbook("run", "example", "--scale", "fast", "--timeout", "2")
    assert code == 1
    assert "more than 2 seconds" in err and "--timeout" in err


def test_ctrl_c_leaves_no_kernel_behind(book):
    edit(book.files()[0], CLAIM, f"open({str(book.root / 'reached')!r}, 'w').close(); import time; time.sleep(60)")
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


def test_list_show_and_claims_read_what_was_built(book, cookbook):
    build(book.find("example"))
    code, out, _ = cookbook("list")
    assert code == 0 and "example" in out and "Part 2" in out
    code, out, _ = cookbook("show", "example")
    assert code == 0 and "Balestriero & LeCun 2022" in out and "3 of 3 claims hold" in out
    code, out, _ = cookbook("claims")
    assert code == 0 and "3 of 3 claims hold, in 1 chapters" in out


def test_a_new_chapter_passes_all_but_what_its_author_must_write(book, cookbook):
    code, _, _ = cookbook("new", "5_splines/02_batch_norm", "--paper", "humayun2023splinecam")
    assert code == 0
    code, out, _ = cookbook("check", "batch_norm")
    assert code == 1 and "1 problems" in out and "[built]" in out
    code, _, err = cookbook("run", "batch_norm", "--scale", "fast")
    assert code == 1 and "what-the-paper-claims: measured nan" in err


def test_building_twice_changes_no_file_and_stores_a_picture_but_no_widget(book):
    card = book.find("example")
    assert build(card) is True
    stored = card.notebook.read_bytes()
    assert build(card) is False
    assert card.notebook.read_bytes() == stored
    assert b"image/png" in stored and b"widget-view" not in stored and b"papermill" not in stored
    assert all(cell.execution_count for cell in read_built(card).cells if cell.cell_type == "code")
