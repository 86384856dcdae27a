"""What is slow to import is imported by what needs it, and by nothing else."""

import subprocess
import sys

import pytest

SLOW_TOOLS = {"IPython", "jupytext", "matplotlib", "nbformat", "papermill", "torch"}
SLOW_SCIENCE = {"lightning_fabric", "sklearn", "skimage", "torchvision", "torch._dynamo"}
ROOMS = "losses.info_nce; spectral.knn_graph; data.load('mnist_10k'); models.mlp; evaluation.knn_probe"
LOOP = "training.pretrain; methods.JointEmbedding; recipes.tiny_encoder"


def imported_by(code):
    """The modules that a fresh interpreter holds after ``code``."""
    lines = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def run_command(words):
    return f"sys.argv = ['cookbook', *{words!r}]\nfrom cookbook.cli import app\ntry: app()\nexcept SystemExit: pass"


@pytest.mark.parametrize("words", [["--help"], ["list"], ["show", "contrastive"], ["claims"]], ids=" ".join)
def test_asking_about_the_book_imports_no_tool_that_runs_it(words):
    assert not SLOW_TOOLS & imported_by(run_command(words))


def test_a_preamble_imports_only_what_it_names():
    rooms = "data, evaluation, losses, methods, models, recipes, spectral, training"
    found = imported_by(f"import cookbook as cb\nfrom replearn import {rooms}\ncb.Chapter\n{ROOMS}\n{LOOP}")
    assert not SLOW_SCIENCE & found
    assert "torch" in found
