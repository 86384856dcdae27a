"""Latents within classes, shifted digits, and what the chapter's theorem says of the worlds it is tried on."""

import numpy as np
import pytest
import torch

from replearn import data, evaluation
from replearn.papers.cross_entropy_identifiability import (
    digit_locator,
    shifted_digits,
    train_digit_locator,
    within_classes,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def world(d=5, n_classes=12, seed=0):
    return data.latent_world(d, n_classes=n_classes, kappa=5.0, max_cond=20.0, seed=seed, dtype=torch.float64)


def invert(posterior, centres, kappa):
    """Steps 3 and 4 of the proof: logarithms of ratios are linear in the latent."""
    ratios = (posterior / posterior[:, :1]).log()[:, 1:]
    return np.linalg.lstsq(kappa * (centres[1:] - centres[0]).numpy(), ratios.T.numpy(), rcond=None)[0].T


@pytest.mark.parametrize("classes", [6, 12])
def test_a_posterior_of_more_classes_than_dimensions_holds_the_latent(classes):
    here = world(n_classes=classes)
    z = here.sample(300, generator())
    np.testing.assert_allclose(invert(here.posterior(z), here.centres, 5.0), z, atol=1e-8)


def test_a_posterior_of_four_classes_in_five_dimensions_does_not():
    here = world(n_classes=4)
    z = here.sample(300, generator())
    assert np.abs(invert(here.posterior(z), here.centres, 5.0) - z.numpy()).max() > 0.3


def test_with_as_many_classes_as_dimensions_mirror_images_have_one_posterior():
    here = world(n_classes=5)
    z = here.sample(300, generator())
    normal = torch.linalg.svd(here.centres - here.centres.mean(0)).Vh[-1:]
    mirrored = z - 2 * (z @ normal.T) * normal
    torch.testing.assert_close(here.posterior(mirrored), here.posterior(z))
    assert evaluation.affine_rank(here.centres) == 4
    assert (mirrored - z).norm(dim=1).mean() > 0.5


def test_a_linear_map_undone_in_the_head_and_a_vector_added_to_all_rows_move_no_posterior():
    here = world()
    z = here.sample(300, generator())
    bend, shift = (torch.randn(*shape, generator=generator(1), dtype=torch.float64) for shape in ((5, 5), (5,)))
    head = 5 * here.centres @ torch.linalg.inv(bend) + shift
    torch.testing.assert_close((z @ bend.T @ head.T).softmax(1), here.posterior(z), atol=1e-8, rtol=0)


@pytest.mark.parametrize("d, classes", [(3, 20), (4, 30)])
@pytest.mark.parametrize("seed", range(10))
def test_the_centres_of_the_worlds_lie_on_no_second_quadric(d, classes, seed):
    centres = world(d, classes, seed).centres
    a, b = torch.triu_indices(d, d)
    terms = torch.cat([centres[:, a] * centres[:, b], centres], 1)
    assert torch.linalg.matrix_rank(terms) == d * (d + 3) // 2


def test_the_means_of_classes_are_taken_away_one_class_at_a_time():
    classes = torch.randint(4, (50,), generator=generator())
    values = torch.randn(50, 3, generator=generator(1))
    found = within_classes(values, classes)
    for c in range(4):
        expected = values[classes == c].double() - values[classes == c].double().mean(0)
        torch.testing.assert_close(found[classes == c], expected)


def test_a_class_that_nobody_has_is_no_obstacle():
    assert within_classes(torch.ones(2, 1), torch.tensor([0, 7])).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("classes", [torch.tensor([0]), torch.tensor([0.0, 1.0]), torch.tensor([-1, 0])])
def test_classes_are_one_integer_for_each_sample(classes):
    with pytest.raises(ValueError, match="classes must hold one integer"):
        within_classes(torch.ones(2, 1), classes)


def test_shifts_are_clouds_around_the_centres_of_their_cells():
    centres = torch.tensor([[0.0, 0.0], [3.0, -2.0]])
    drawn = shifted_digits(torch.ones(2, 1, 4, 4), centres, 20_000, generator(), spread=0.5)
    noise = drawn.shifts - centres[drawn.cells]
    torch.testing.assert_close(noise.mean(0), torch.zeros(2), atol=0.02, rtol=0)
    torch.testing.assert_close(noise.std(0), torch.full((2,), 0.5), atol=0.02, rtol=0)
    torch.testing.assert_close(drawn.cells.double().mean(), torch.tensor(0.5, dtype=torch.float64), atol=0.02, rtol=0)


def test_images_move_right_and_down_by_the_shift():
    dot = torch.zeros(1, 1, 15, 15)
    dot[0, 0, 7, 7] = 1
    drawn = shifted_digits(dot, torch.tensor([[1.0, -0.5]]), 100, generator(), spread=0.2, step=0.4)
    x = drawn.x.view(-1, 15, 15)
    at = (torch.arange(15) - 7) / 7.5
    mass = x.sum((1, 2))
    found = torch.stack([(x.sum(1) @ at) / mass, (x.sum(2) @ at) / mass], 1)
    torch.testing.assert_close(found, 0.4 * drawn.shifts, atol=0.02, rtol=0)


def test_centres_have_two_coordinates():
    with pytest.raises(ValueError, match="two columns"):
        shifted_digits(torch.ones(2, 1, 4, 4), torch.eye(3), 5, generator())


def test_a_trained_locator_holds_the_shift_of_a_dot_within_cells():
    dots = torch.zeros(1, 1, 9, 9)
    dots[0, 0, 4, 4] = 1
    centres = torch.tensor([[0.0, 1.0], [1.0, -1.0], [-1.0, -1.0]])
    encoder = train_digit_locator(dots, centres, steps=150, seed=3)
    drawn = shifted_digits(dots, centres, 1000, generator())
    inside = within_classes(drawn.shifts, drawn.cells)
    with torch.no_grad():
        found, start = (
            evaluation.linear_r2(within_classes(f.eval()(drawn.x), drawn.cells), inside)
            for f in (encoder, digit_locator(dots, 3, seed=30)[0])
        )
    assert found > 0.9
    assert start < 0.6


def test_a_locator_is_made_of_its_seed():
    one, same, other = (digit_locator(torch.ones(1, 1, 4, 4), 5, seed=s)[0] for s in (1, 1, 2))
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)
