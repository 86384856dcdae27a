"""The settings that nobody passes are those of the papers."""

import inspect

import pytest

from replearn import data, evaluation, losses, methods, training

PAPERS = [
    (losses.nt_xent, dict(temperature=0.5)),  # SimCLR, on CIFAR-10
    (losses.koleo_loss, dict(eps=1e-8)),
    (losses.dcl, dict(temperature=0.1)),
    (
        losses.info_nce,
        dict(temperature=0.2, queue=None, queue_only=False, symmetric=False, normalize=True, similarity="dot"),
    ),  # MoCo v2
    (losses.sup_con, dict(temperature=0.1, skip_single=False)),
    (losses.vicreg, dict(inv=25, var=25, cov=1, eps=1e-4, gamma=1)),
    (losses.barlow_twins, dict(lam=0.0051, eps=1e-5)),
    (losses.w_mse, dict(sub_batch=None, normalize=True, shrink=0, correction=1)),
    (losses.whiten, dict(method="cholesky", shrink=0, correction=1)),
    (losses.swav_loss, dict(eps=0.05, temperature=0.1, steps=3)),
    (losses.sinkhorn, dict(eps=0.05, steps=3)),
    (losses.dino_loss, dict(center=0, student_temperature=0.1, teacher_temperature=0.04)),
    (losses.uniform_loss, dict(t=2)),
    (losses.align_uniform, dict(align=1, uniform=1, t=2)),
    (losses.latent_loss, dict(beta=1)),
    (losses.mae_loss, dict(normalize=False)),
    (losses.triplet_loss, dict(margin=1)),
    (losses.contrastive_pair_loss, dict(margin=1)),
    (losses.decorrelation_loss, dict(unbiased=False)),
    (losses.spectral_contrastive, dict(centered=False)),
    (data.random_mask, dict(ratio=0.75)),  # MAE
    (data.block_mask, dict(ratio=0.4, scale=(0.08, 0.4), aspect=(0.3, 10 / 3))),  # BEiT, and the ranges of its code
    (
        data.multiblock_mask,  # I-JEPA
        dict(targets=4, scale=(0.15, 0.2), aspect=(0.75, 1.5), context_scale=(0.85, 1), min_context=0.1),
    ),
    (evaluation.knn_probe, dict(y_test=None, k=20, temperature=0.07)),  # DINO
    (evaluation.ridge_probe, dict(y_test=None, lam=1e-3, standardize=True)),
    (evaluation.low_shot_probe, dict(n_labels=200, repeats=5, lam=0.1)),
    (evaluation.r2_probe, dict(lam=1e-3, standardize=True)),
    (evaluation.loo_residuals, dict(lam=1e-3, standardize=True)),
    (evaluation.logistic_probe, dict(y_test=None, lam=1, steps=100)),
    (evaluation.mlp_probe, dict(y_test=None, hidden=256, steps=1000, lr=3e-3, seed=0)),
    (evaluation.effective_rank, dict(eps=1e-7, center=False, squared=False)),  # RankMe
    (evaluation.lidar, dict(delta=1e-4, eps=1e-7)),
    (data.ColorJitter, dict(brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, p=0.8)),  # SimCLR
    (data.GaussianBlur, dict(size=3, sigma=(0.1, 2), p=0.5)),  # SimCLR, on images of 32 pixels
    (data.RandomGrayscale, dict(p=0.2)),  # SimCLR
    (training.LARS, dict(weight_decay=0, momentum=0.9, eta=1e-3)),
    (methods.SelfDistillation, dict(decay=(0.996, 1), predictor_lr=1)),  # BYOL
    (methods.DINO, dict(n_prototypes=64, dim=64, decay=(0.996, 1), center_momentum=0.9, seed=0)),
    (methods.MoCo, dict(size=1024, dim=64, decay=0.99, seed=0)),  # shorter runs than the paper's, with 0.999
]


@pytest.mark.parametrize(("function", "paper"), PAPERS, ids=lambda value: getattr(value, "__name__", ""))
def test_defaults_are_those_of_the_papers(function, paper):
    parameters = inspect.signature(function).parameters.values()
    assert {p.name: p.default for p in parameters if p.default is not p.empty} == paper
