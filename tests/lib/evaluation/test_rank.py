"""RankMe against numpy's singular values and scipy's entropy."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from replearn.evaluation import effective_rank


@pytest.mark.parametrize("shape", [(200, 12), (10, 30)])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("squared", [True, False])
def test_it_is_the_exponential_of_the_entropy(shape, center, squared):
    z = np.random.default_rng(0).normal(size=shape) * np.logspace(0, 2, shape[1]) + 3
    sigma = np.linalg.svd(z - z.mean(0) if center else z, compute_uv=False)
    expected = np.exp(entropy(sigma**2 if squared else sigma))
    assert effective_rank(z, eps=0, center=center, squared=squared) == pytest.approx(expected, rel=1e-9)
    assert effective_rank(z, center=center, squared=squared) == pytest.approx(expected, rel=1e-4)


def test_known_ranks():
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(100, 64)))
    assert effective_rank(q) == pytest.approx(64, abs=1e-2)
    assert effective_rank(np.outer(np.arange(1, 9), np.ones(5))) == pytest.approx(1, abs=1e-3)
    assert effective_rank(q[:, :8] @ np.eye(8, 20), eps=0) == pytest.approx(8, rel=1e-9)


def test_rotation_and_scale_do_not_matter_but_a_shift_does():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(100, 6)) * np.arange(1, 7)
    q, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    assert effective_rank(5 * z @ q) == pytest.approx(effective_rank(z), abs=1e-6)
    assert effective_rank(z + 20) < effective_rank(z) - 1


def test_half_precision_is_raised_first():
    z = torch.randn(50, 8, generator=torch.Generator().manual_seed(0)).half()
    assert effective_rank(z) == effective_rank(z.double())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_rank(np.zeros((4, 3))), "all zeros"),
        (lambda: effective_rank(np.ones((4, 3)), center=True), "all zeros once centred"),
        (lambda: effective_rank(np.ones((1, 3))), "N >= 2"),
        (lambda: effective_rank(np.ones(3)), "must have shape"),
        (lambda: effective_rank(np.full((4, 3), np.inf)), "infinite"),
        (lambda: effective_rank(np.ones((4, 3)), eps=-1), "eps must be at least 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
