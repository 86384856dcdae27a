"""The words of the command line, read in this process: what becomes of them, and what is said of nonsense."""

import json

import pytest

from replearn.runs.command_line import arguments, main

SHORT = ["vicreg", "--data", "digits", "--steps", "6", "--batch-size", "16"]


def test_a_run_leaves_its_settings_and_goes_on_to_nothing_new(tmp_path, capsys):
    main([*SHORT, "--lr", "0.002", "--dim", "8", "--out", str(tmp_path)])
    settings = json.loads((tmp_path / "settings.json").read_text())
    expected = {"recipe": "vicreg", "data": "digits", "steps": 6, "warmup": 0, "lr": 0.002, "dim": 8, "clip": None}
    assert settings.items() >= expected.items()
    assert "knn" in capsys.readouterr().out
    before = (tmp_path / "metrics.csv").read_bytes()
    main([*SHORT, "--lr", "0.002", "--dim", "8", "--out", str(tmp_path)])
    assert (tmp_path / "metrics.csv").read_bytes() == before
    with pytest.raises(SystemExit, match=r"lr was 0\.002 and is now 0\.5"):
        main([*SHORT, "--lr", "0.5", "--dim", "8", "--out", str(tmp_path)])
    main([*SHORT, "--lr", "0.5", "--dim", "8", "--out", str(tmp_path), "--restart"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["vigreg"], "there is no recipe 'vigreg'; known are simclr, vicreg"),
        (["vicreg", "--data", "imagenet"], "there is no data 'imagenet'; known are mnist_10k"),
        (["vicreg", "--steps", "0"], "steps must be an integer, at least 1"),
        (["vicreg", "--warmup", "300"], "warmup must be smaller"),
        (["vicreg", "--clip", "-1"], "clip must be positive"),
        (["vicreg", "--devices", "many"], "many"),
        (["mae", "--micro-batches", "2"], "mae needs a smaller batch_size"),
    ],
)
def test_what_makes_no_sense_is_answered_in_a_sentence(tmp_path, words, message):
    with pytest.raises(SystemExit, match=message):
        main([*words, "--out", str(tmp_path / "run")])


def test_every_setting_is_an_option(capsys):
    asked = arguments(["byol", "--out", "x", "--micro-batches", "2", "--clip", "1", "--optimizer", "lars"])
    assert (asked.micro_batches, asked.clip, asked.optimizer, asked.lr) == (2, 1.0, "lars", None)
    with pytest.raises(SystemExit):
        arguments(["byol", "--out", "x", "--optimizer", "sgd"])
    assert "invalid choice: 'sgd'" in capsys.readouterr().err
