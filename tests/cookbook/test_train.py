"""`cookbook train` as a reader types it: a run, one that is killed half-way and goes on, and words without sense."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from cookbook.book import BookError
from cookbook.train import _folder, draw

SHORT = ["vicreg", "--data", "digits", "--steps", "120", "--batch-size", "16", "--checkpoint-every", "20"]


def command(*words):
    return [sys.executable, "-m", "cookbook", "train", *words]


def train(*words):
    return subprocess.run(command(*words), capture_output=True, text=True, env=quiet())


def quiet():
    return os.environ | {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}


def losses(folder):
    with (folder / "metrics.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    done = train(*SHORT, "--out", str(folder))
    assert done.returncode == 0, done.stderr
    assert "knn" in done.stdout and str(folder) in done.stdout
    return folder


def test_a_run_leaves_settings_curves_scores_and_a_figure(straight):
    settings, result = (json.loads((straight / f"{name}.json").read_text()) for name in ("settings", "result"))
    assert settings["recipe"] == "vicreg" and settings["steps"] == 120 and settings["warmup"] == 12
    assert result["knn"] > 0.5 and result["ridge"] > 0.5 and not result["interrupted"]
    assert len(losses(straight)) == 120 and losses(straight)[-1] == result["loss"]
    assert (straight / "curves.png").read_bytes()[1:4] == b"PNG"


def test_a_run_that_is_killed_goes_on_to_the_same_loss(straight, tmp_path):
    slow = [*SHORT, "--out", str(tmp_path)]
    runner = subprocess.Popen(command(*slow), start_new_session=True, env=quiet())
    deadline = time.monotonic() + 60
    while not (tmp_path / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    assert not (tmp_path / "metrics.csv").exists(), "the run ended before it could be killed"
    assert train(*slow).returncode == 0
    assert losses(tmp_path) == losses(straight)


def test_a_finished_run_is_not_trained_again_and_other_settings_are_refused(straight):
    before = (straight / "metrics.csv").read_bytes()
    assert train(*SHORT, "--out", str(straight)).returncode == 0
    assert (straight / "metrics.csv").read_bytes() == before
    other = train(*SHORT, "--lr", "0.5", "--out", str(straight))
    assert other.returncode == 1 and "lr was 0.005 and is now 0.5" in other.stderr
    assert (straight / "metrics.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["vigreg"], "there is no recipe 'vigreg'; known are simclr, vicreg"),
        (["vicreg", "--data", "imagenet"], "there is no data 'imagenet'; known are mnist_10k"),
        (["vicreg", "--steps", "0"], "steps"),
        (["mae", "--micro-batches", "2"], "mae needs a smaller batch_size"),
        (["vicreg", "--lr", "-1"], "lr must be positive"),
    ],
)
def test_what_makes_no_sense_is_answered_in_a_sentence(tmp_path, words, message):
    done = train(*words, "--out", str(tmp_path / "run"))
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_a_run_on_a_folder_is_named_by_the_folder(tmp_path):
    assert _folder(tmp_path, ["vicreg", "--data", "/data/pets/"]) == tmp_path / "runs" / "train" / "vicreg-pets"
    assert _folder(tmp_path, ["byol"]) == tmp_path / "runs" / "train" / "byol-mnist_10k"


def test_help_lists_the_options():
    done = train("--help")
    assert done.returncode == 0 and "--devices" in done.stdout and "barlow_twins" in done.stdout


def test_a_folder_without_a_run_cannot_be_drawn(tmp_path):
    with pytest.raises(BookError, match=r"no metrics\.csv"):
        draw(tmp_path)
