"""The words of the command line, read in this process: what becomes of them, and what is said of nonsense."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from replearn.runs.command_line import arguments, folder_name, main

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
    with pytest.raises(SystemExit, match="2"):
        main([*SHORT, "--lr", "0.5", "--dim", "8", "--out", str(tmp_path)])
    assert "lr was 0.002 and is now 0.5" in capsys.readouterr().err
    main([*SHORT, "--lr", "0.5", "--dim", "8", "--out", str(tmp_path), "--restart"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["vigreg"], "there is no recipe 'vigreg'; known are simclr, vicreg"),
        (["vicreg", "--data", "imagenet"], "there is no data 'imagenet'; known are mnist_10k"),
        (["vicreg", "--steps", "0"], "steps must be an integer, at least 1"),
        (["vicreg", "--warmup", "300"], "warmup must be smaller"),
        (["vicreg", "--clip", "-1"], "clip must be positive"),
        (["vicreg", "--devices", "many"], "--devices must be auto or a number of devices, at least 1, but is 'many'"),
        (["vicreg", "--devices", "0"], "at least 1"),
        (["vicreg", "--precision", "3-bit"], "3-bit"),
        (["vicreg", "--accelerator", "abacus"], "abacus"),
        (["vicreg", "--nodes", "0"], "nodes"),
        (["vicreg", "--mask-ratio", "0.3"], "mask_ratio is given, but vicreg hides no share of the patches"),
        (["ijepa", "--mask-ratio", "0.3"], "ijepa hides four blocks"),
        (["mae", "--dim", "8"], "dim is given, but mae has no projector"),
        (["byol", "--side", "64"], "side is given, but the images of mnist_10k"),
        (["mae", "--micro-batches", "2"], "mae needs a smaller batch_size"),
    ],
)
def test_what_makes_no_sense_is_answered_in_a_sentence(tmp_path, words, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--out", str(tmp_path / "run")])
    said = capsys.readouterr().err.strip()
    assert ended.value.code == 2 and message in said and "\n" not in said


def test_what_the_disk_refuses_is_answered_too(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        main([*SHORT, "--out", str(tmp_path / "file")])
    assert ended.value.code == 1 and "file" in capsys.readouterr().err


SPELLINGS = [
    ["vicreg", "--data", "digits"],
    ["--data", "digits", "vicreg"],
    ["--data=digits", "vicreg"],
    ["--dat", "digits", "vicreg"],
    ["vicreg", "--data=digits", "--lr", "3"],
]


@pytest.mark.parametrize("words", SPELLINGS, ids=" ".join)
def test_the_same_words_in_any_order_have_the_same_folder(words):
    assert arguments([*words, "--runs", "there"]).out == Path("there/vicreg-digits")
    assert arguments([*words, "--out=here"]).out == arguments([*words, "--out", "here"]).out == Path("here")


def test_two_folders_of_one_name_do_not_share_a_run(tmp_path):
    one, two = (folder_name("mae", str(tmp_path / parent / "pets")) for parent in ("a", "b"))
    assert one != two and one.startswith("mae-pets-")
    assert folder_name("mae", str(tmp_path / "a" / ".." / "a" / "pets")) == one


def test_one_run_at_a_time_uses_a_folder(tmp_path, capsys):
    with FileLock(tmp_path / "lock"), pytest.raises(SystemExit) as ended:
        main([*SHORT, "--out", str(tmp_path)])
    assert ended.value.code == 2 and "in use by another run" in capsys.readouterr().err


def test_what_a_killed_run_had_half_written_is_removed(tmp_path):
    (tmp_path / "checkpoint.pt.17.partial").write_bytes(b"half")
    main([*SHORT, "--out", str(tmp_path)])
    assert not list(tmp_path.glob("*.partial"))


def test_every_setting_is_an_option(capsys):
    asked = arguments(["byol", "--out", "x", "--micro-batches", "2", "--clip", "1", "--optimizer", "lars"])
    assert (asked.micro_batches, asked.clip, asked.optimizer, asked.lr) == (2, 1.0, "lars", None)
    with pytest.raises(SystemExit):
        arguments(["byol", "--out", "x", "--optimizer", "sgd"])
    assert "invalid choice: 'sgd'" in capsys.readouterr().err
