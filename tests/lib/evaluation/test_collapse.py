"""The report of collapse against numpy, on embeddings whose collapse is known."""

import numpy as np
import pytest
import torch
from scipy.linalg import svdvals
from scipy.special import softmax
from scipy.stats import entropy

from replearn.evaluation import collapse_report, target_report
from replearn.losses import dino_loss
from sampling import normal

Z = normal(400, 16) @ normal(16, 16, seed=1) + 0.3


def test_against_numpy():
    report = collapse_report(Z)
    unit = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    corr = np.abs(np.corrcoef(Z.T))
    assert report.std == pytest.approx(4 * unit.std(axis=0).mean(), rel=1e-9)
    assert report.rank == pytest.approx(np.exp(entropy(svdvals(Z))), rel=1e-4)
    assert report.correlation == pytest.approx(corr[~np.eye(16, dtype=bool)].mean(), rel=1e-9)
    assert report.used is None
    assert collapse_report(torch.tensor(Z).half()).std == pytest.approx(report.std, abs=1e-3)


def test_the_kinds_of_collapse():
    spread = collapse_report(normal(5000, 32))
    assert spread.std == pytest.approx(1, abs=0.02) and spread.rank > 31 and spread.correlation < 0.03
    point = collapse_report(np.ones((50, 32)) + 1e-3 * normal(50, 32))
    assert point.std < 0.01 and point.rank < 1.2
    constant = collapse_report(np.ones((50, 32)))
    assert constant.std < 1e-7 and np.isnan(constant.correlation)
    line = collapse_report(np.outer(normal(500), np.sign(normal(32, seed=1))))
    assert line.std > 0.95 and line.rank == pytest.approx(1, abs=0.01) and line.correlation == pytest.approx(1)


def test_constant_dimensions_do_not_correlate():
    padded = np.hstack([Z, np.full((400, 3), 2.0), np.zeros((400, 1))])
    assert collapse_report(padded).correlation == pytest.approx(collapse_report(Z).correlation)


def test_prototypes_in_use():
    prototypes = np.vstack([np.eye(4), -np.eye(4)]) * np.arange(1, 9)[:, None]
    z = np.array([[1.0, 0.1, 0, 0], [0.9, 0, 0, 0], [0, 0, -1, 0.2]])
    assert collapse_report(z, prototypes).used == pytest.approx(2 / 8)
    nearest = (Z[:, :4] @ (prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)).T).argmax(1)
    assert collapse_report(Z[:, :4], prototypes).used == len(set(nearest)) / 8


STUDENT, TEACHER = normal(2, 2, 50, 12) / 3
CENTER = TEACHER.mean((0, 1))


def test_the_targets_against_scipy():
    report = target_report(STUDENT, TEACHER, CENTER, student_temperature=0.2, teacher_temperature=0.1)
    target, guess = softmax((TEACHER - CENTER) / 0.1, axis=2), softmax(STUDENT[::-1] / 0.2, axis=2)
    assert report.entropy == pytest.approx(entropy(target, axis=2).mean() / np.log(12), rel=1e-9)
    assert report.divergence == pytest.approx(entropy(target, guess, axis=2).mean(), rel=1e-9)
    assert report.mean_entropy == pytest.approx(entropy(target.mean((0, 1))) / np.log(12), rel=1e-9)


@pytest.mark.parametrize("center", [0.0, CENTER])
def test_the_two_parts_add_up_to_the_loss(center):
    report = target_report(STUDENT, TEACHER, center)
    loss = dino_loss(*map(torch.tensor, (STUDENT, TEACHER, center)))
    assert report.entropy * np.log(12) + report.divergence == pytest.approx(loss.item(), rel=1e-9)


def test_the_two_collapses_of_targets():
    flat = target_report(np.zeros((2, 9, 4)), np.zeros((2, 9, 4)))
    assert flat == pytest.approx((1, 0, 1))
    logits = np.tile([5.0, 0, 0, 0], (2, 9, 1))
    assert target_report(logits, logits) == pytest.approx((0, 0, 0), abs=1e-9)
    different = 5 * np.eye(4)[np.arange(8) % 4] + np.zeros((2, 8, 4))
    assert target_report(different, different) == pytest.approx((0, 0, 1), abs=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: collapse_report(np.ones((1, 3))), "N >= 2"),
        (lambda: collapse_report(np.ones(3)), "must have shape"),
        (lambda: collapse_report(np.full((4, 3), np.nan)), "NaN"),
        (lambda: collapse_report(np.eye(4)[:, :3]), "row of zeros"),
        (lambda: collapse_report(Z, np.eye(3)), "prototypes must have shape"),
        (lambda: collapse_report(Z, np.ones(16)), "prototypes must have shape"),
        (lambda: target_report(STUDENT[0], TEACHER[0]), "must have shape"),
        (lambda: target_report(STUDENT, TEACHER[:, :9]), "must have shape"),
        (lambda: target_report(STUDENT, TEACHER * np.nan), "teacher contains NaN"),
        (lambda: target_report(STUDENT, TEACHER, student_temperature=0), "student_temperature must"),
        (lambda: target_report(STUDENT, TEACHER, teacher_temperature=-1), "teacher_temperature must"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
