"""Settings that nobody passes are the papers': a default that drifts changes every chapter without a word."""

import inspect

import pytest

from replearn import data, evaluation, losses

DEFAULTS = [
    (data.random_mask, {"ratio": 0.75}, "He et al. 2022, figure 5"),
    (data.block_mask, {"ratio": 0.4, "scale": (0.08, 0.4), "aspect": (0.3, 10 / 3)}, "Bao et al. 2022, algorithm 1"),
    (
        data.multiblock_mask,
        {"targets": 4, "scale": (0.15, 0.2), "aspect": (0.75, 1.5), "context_scale": (0.85, 1.0)},
        "Assran et al. 2023, section 3",
    ),
    (evaluation.ridge_probe, {"lam": 1e-3, "standardize": True}, "this book"),
    (evaluation.r2_probe, {"lam": 1e-3, "standardize": True}, "this book"),
    (evaluation.knn_probe, {"k": 20, "temperature": 0.07}, "Caron et al. 2021, section 4"),
    (evaluation.effective_rank, {"eps": 1e-7, "center": False, "squared": False}, "Garrido et al. 2023, equation 1"),
    (evaluation.lidar, {"delta": 1e-4, "eps": 1e-7}, "Thilak et al. 2024, section 4"),
    (
        losses.vicreg,
        {"inv": 25.0, "var": 25.0, "cov": 1.0, "gamma": 1.0, "eps": 1e-4},
        "Bardes et al. 2022, section 4.2",
    ),
    (losses.barlow_twins, {"lam": 0.0051}, "Zbontar et al. 2021, section 2.2"),
    (losses.nt_xent, {"temperature": 0.5}, "Chen et al. 2020, table 5"),
    (losses.uniform_loss, {"t": 2.0}, "Wang and Isola 2020, section 4.1.2"),
]


@pytest.mark.parametrize(("function", "expected", "source"), DEFAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_defaults_are_the_papers(function, expected, source):
    parameters = inspect.signature(function).parameters
    assert {name: parameters[name].default for name in expected} == expected, source
