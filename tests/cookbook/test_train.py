"""`cookbook train` as a reader types it: a run, one that is killed half-way and goes on, and help.

What the runner makes of each word is tested in process, in tests/lib/runs/test_command_line.py.
"""

import csv
import json
import signal
import subprocess
import sys
import time

import pytest
import torch

from cookbook.book import BookError
from cookbook.train import draw, train

SHORT = ["vicreg", "--data", "digits", "--steps", "120", "--batch-size", "16", "--checkpoint-every", "20"]
KILLED = """
import os, signal
from replearn.runs.command_line import main
from replearn.training.checkpoint import CheckpointFile

save = CheckpointFile.save

def save_and_die(self, done):
    save(self, done)
    if done == 40:
        os.kill(os.getpid(), signal.SIGKILL)

CheckpointFile.save = save_and_die
main()
"""


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """One thread and no progress bar in the runner, which takes this process's environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TQDM_DISABLE", "1")
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


def losses(folder):
    with (folder / "metrics.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    assert train(folder, [*SHORT, "--out", str(folder)]) == 0
    return folder


def test_a_run_leaves_settings_curves_scores_and_a_figure(straight):
    settings, result = (json.loads((straight / f"{name}.json").read_text()) for name in ("settings", "result"))
    assert settings["recipe"] == "vicreg" and settings["steps"] == 120 and settings["warmup"] == 12
    assert result["knn"] > 0.5 and result["ridge"] > 0.5 and not result["interrupted"]
    assert len(losses(straight)) == 120 and losses(straight)[-1] == result["loss"]
    assert (straight / "curves.png").read_bytes()[1:4] == b"PNG"


def test_a_run_that_is_killed_goes_on_to_the_same_loss(straight, tmp_path):
    words = [*SHORT, "--out", str(tmp_path)]
    assert subprocess.run([sys.executable, "-c", KILLED, *words]).returncode == -signal.SIGKILL
    assert (tmp_path / "checkpoint.pt").exists() and not (tmp_path / "metrics.csv").exists()
    assert train(tmp_path, words) == 0
    assert losses(tmp_path) == losses(straight)


def test_a_run_that_names_no_folder_gets_one(tmp_path, capfd):
    words = ["--steps=4", "--batch-size", "16", "--data=digits", "vicreg"]
    assert train(tmp_path, words) == 0
    assert (tmp_path / "runs/train/vicreg-digits/curves.png").exists()
    assert "knn" in capfd.readouterr().out


def test_a_run_that_is_terminated_saves_the_step_it_reached(tmp_path):
    words = [*SHORT[:3], "--steps", "100000", "--batch-size", "16", "--out", str(tmp_path)]
    code = f"from pathlib import Path; from cookbook.train import train; raise SystemExit(train(Path('.'), {words!r}))"
    process = subprocess.Popen([sys.executable, "-c", code])
    for _ in range(600):
        if (tmp_path / "checkpoint.pt").exists():
            break
        time.sleep(0.1)
    process.terminate()
    assert process.wait(60) == 130
    steps = json.loads((tmp_path / "result.json").read_text())["steps"]
    assert len(losses(tmp_path)) == steps > 0
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == steps


def test_help_lists_the_options(tmp_path, capfd):
    assert train(tmp_path, ["--help"]) == 0
    said = capfd.readouterr().out
    assert "--devices" in said and "barlow_twins" in said


def test_a_folder_without_a_run_cannot_be_drawn(tmp_path):
    with pytest.raises(BookError, match=r"no metrics\.csv"):
        draw(tmp_path)
