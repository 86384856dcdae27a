"""Every loss raises half precision to float32, also under autocast, and works in the precision of wider input."""

import inspect

import pytest
import torch

from replearn import losses
from sampling import rows

A, B, C = (rows(16, 4, seed=seed, dtype=torch.float64) for seed in (1, 2, 3))
PAIR = torch.arange(16) % 2
HIDDEN = torch.tensor([[1, 3, 5]])
STATISTICS = {
    "off_diagonal",
    "off_diagonal_energy",
    "correlation_matrix",
    "cross_correlation",
}  # keep the type they get
CALLS = {
    "align_loss": (losses.align_loss, A, B),
    "align_uniform": (losses.align_uniform, A, B),
    "barlow_twins": (losses.barlow_twins, A, B),
    "byol_loss": (losses.byol_loss, A, B),
    "contrastive_pair_loss": (losses.contrastive_pair_loss, A, B, PAIR),
    "dcl": (losses.dcl, A, B),
    "decorrelation_loss": (losses.decorrelation_loss, A),
    "dino_loss": (losses.dino_loss, torch.stack([A, B]), torch.stack([B, C])),
    "info_nce": (losses.info_nce, A, B),
    "latent_loss": (losses.latent_loss, A, B),
    "mae_loss": (losses.mae_loss, A[None, :3], B[None], HIDDEN),
    "multi_view_alignment": (losses.multi_view_alignment, torch.stack([A, B], 1)),
    "nt_xent": (losses.nt_xent, A, B),
    "simmim_loss": (losses.simmim_loss, A[None, :3], B[None], HIDDEN),
    "simsiam_loss": (losses.simsiam_loss, A, B),
    "sinkhorn": (losses.sinkhorn, A),
    "spectral_contrastive": (losses.spectral_contrastive, A, B),
    "sup_con": (losses.sup_con, A, PAIR),
    "swav_loss": (losses.swav_loss, A, B),
    "triplet_loss": (losses.triplet_loss, A, B, C),
    "uniform_loss": (losses.uniform_loss, A),
    "vicreg": (losses.vicreg, A, B),
    "w_mse": (losses.w_mse, A, B),
    "whiten": (losses.whiten, A),
}


def in_type(arguments, dtype):
    return [a.to(dtype) if a.is_floating_point() else a for a in arguments]


def test_the_list_is_that_of_the_room():
    functions = {name for name in losses.__all__ if inspect.isfunction(getattr(losses, name))}
    assert functions == CALLS.keys() | STATISTICS


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", CALLS)
def test_half_precision_is_computed_as_float32(name, dtype):
    loss, *arguments = CALLS[name]
    half = in_type(arguments, dtype)
    expected = loss(*in_type(half, torch.float32))
    torch.testing.assert_close(loss(*half), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(loss(*half), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CALLS)
def test_other_precisions_are_kept(name, dtype):
    loss, *arguments = CALLS[name]
    found = loss(*in_type(arguments, dtype))
    assert {term.dtype for term in (found if isinstance(found, tuple) else [found])} == {dtype}
