import os
import pickle
import random

import numpy as np
import pytest
import torch

from replearn.training import load_checkpoint, save_checkpoint, seed_everything, seeded
from replearn.training.checkpoint import read_checkpoint

CONFIG = {"steps": 30, "lr": 0.1, "images": ["torch.float32", 50, 1, 14, 14]}


def draw_everywhere():
    return random.random(), np.random.rand(), torch.rand(1).item()


def parts(seed):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optim = torch.optim.AdamW(net.parameters(), lr=0.1)
    for _ in range(3):
        optim.zero_grad()
        net(torch.randn(5, 3)).square().sum().backward()
        optim.step()
    return {"net": net, "optim": optim, "draws": torch.Generator().manual_seed(seed)}


def test_seed_everything_seeds_every_generator():
    seed_everything(5)
    first = draw_everywhere()
    seed_everything(5)
    assert draw_everywhere() == first
    seed_everything(6)
    assert all(a != b for a, b in zip(draw_everywhere(), first, strict=True))


def test_seeded_puts_every_generator_back():
    seed_everything(1)
    expected = [draw_everywhere(), draw_everywhere()]
    seed_everything(1)
    assert draw_everywhere() == expected[0]
    with pytest.raises(KeyError), seeded(9):
        inside = draw_everywhere()
        raise KeyError
    assert draw_everywhere() == expected[1]
    with seeded(9):
        assert draw_everywhere() == inside


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match="seed must be an integer"):
        seed_everything(seed)


def test_a_checkpoint_restores_everything(tmp_path):
    saved, other = parts(0), parts(1)
    seed_everything(3)
    saved["draws"].manual_seed(7)
    save_checkpoint(tmp_path / "run.pt", saved, step=15, config=CONFIG)
    expected = draw_everywhere(), torch.rand(3, generator=saved["draws"])
    seed_everything(4)
    assert load_checkpoint(tmp_path / "run.pt", other, config=CONFIG) == 15
    assert draw_everywhere() == expected[0]
    assert torch.equal(torch.rand(3, generator=other["draws"]), expected[1])
    for name in ("net", "optim"):
        a, b = saved[name].state_dict(), other[name].state_dict()
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    save_checkpoint(path, parts(0), step=15, config=CONFIG)
    before = path.read_bytes()

    def power_cut(content, file):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", power_cut)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, parts(0), step=20, config=CONFIG)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["run.pt"]


def test_another_configuration_is_refused(tmp_path):
    save_checkpoint(tmp_path / "run.pt", parts(0), step=15, config=CONFIG)
    untouched = parts(1)
    state = {k: v.clone() for k, v in untouched["net"].state_dict().items()}
    with pytest.raises(
        ValueError, match=r"another run \(lr was 0.1 and is now 0.2; momentum was None and is now 0.9\)"
    ):
        load_checkpoint(tmp_path / "run.pt", untouched, config=CONFIG | {"lr": 0.2, "momentum": 0.9})
    assert all(torch.equal(v, state[k]) for k, v in untouched["net"].state_dict().items())


def test_other_parts_are_refused(tmp_path):
    save_checkpoint(tmp_path / "run.pt", {"net": parts(0)["net"]}, step=15, config=CONFIG)
    with pytest.raises(ValueError, match=r"holds \['net'\], but the run needs \['draws', 'net', 'optim'\]"):
        load_checkpoint(tmp_path / "run.pt", parts(0), config=CONFIG)


class Bomb:
    def __reduce__(self):
        return os.mkdir, (self.where,)


def test_a_checkpoint_cannot_run_code(tmp_path):
    bomb = Bomb()
    bomb.where = str(tmp_path / "exploded")
    torch.save({"step": 1, "config": CONFIG, "rng": {}, "parts": bomb}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "evil.pt", parts(0), config=CONFIG)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", pickle.dumps([1, 2], protocol=2)])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "run.pt").write_bytes(content)
    with pytest.raises(ValueError, match="is not a checkpoint of this library"):
        load_checkpoint(tmp_path / "run.pt", parts(0), config=CONFIG)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*run.pt to resume from"):
        load_checkpoint(tmp_path / "run.pt", parts(0), config=CONFIG)
    with pytest.raises(FileNotFoundError, match="nowhere of the checkpoint does not exist"):
        save_checkpoint(tmp_path / "nowhere" / "run.pt", parts(0), step=1, config=CONFIG)


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << (at % 8)
    path.write_bytes(content)


def test_a_flipped_bit_is_found_or_harmless(tmp_path):
    path = tmp_path / "run.pt"
    save_checkpoint(path, parts(0), step=15, config=CONFIG)
    whole = path.read_bytes()
    good = read_checkpoint(path)
    refused = 0
    for at in range(0, len(whole), max(1, len(whole) // 150)):
        flip(path, at)
        try:
            found = read_checkpoint(path)
        except ValueError as error:
            refused += 1
            assert "damaged" in str(error) or "not a checkpoint" in str(error)
        else:
            assert str(found) == str(good)  # the bit stood in the archive's padding
        path.write_bytes(whole)
    assert refused > 30


TAMPERED = {
    "another step": lambda content: content.update(step=16),
    "another setting": lambda content: content["config"].update(lr=9.0),
    "a missing part": lambda content: content["parts"].pop("net"),
    "a missing field": lambda content: content.pop("random"),
    "another shape": lambda content: content["parts"]["net"].update({"0.weight": torch.zeros(7, 7)}),
    "another type": lambda content: content["parts"]["net"].update({"0.weight": torch.zeros(2, 3).double()}),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_changed_checkpoint_is_refused(tmp_path, change):
    path = tmp_path / "run.pt"
    save_checkpoint(path, parts(0), step=15, config=CONFIG)
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)
    with pytest.raises(ValueError, match="damaged"):
        load_checkpoint(path, parts(0), config=CONFIG)


def test_parts_of_other_shapes_are_refused(tmp_path):
    path = tmp_path / "run.pt"
    save_checkpoint(path, {"net": torch.nn.Linear(2, 3)}, step=1, config={})
    with pytest.raises(ValueError, match="does not fit this run"):
        load_checkpoint(path, {"net": torch.nn.Linear(2, 4)}, config={})
