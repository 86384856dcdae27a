"""How the rooms' functions are called, and what they give back: see "How a piece is written" in lib/README.md."""

import inspect
import typing

import pytest
import torch

from replearn import data, evaluation, losses, methods, models, recipes, runs, spectral, splines, training

ROOMS = [data, evaluation, losses, methods, models, recipes, runs, spectral, splines, training]

# What is no setting although it may be left out: labels, weights, a second set of points, an augmentation, a recipe.
OPTIONAL_DATA = {
    "collapse_report": {"prototypes"},
    "dino_loss": {"center"},
    "knn_probe": {"y_test"},
    "layer_slices": {"input_size"},
    "logistic_probe": {"y_test"},
    "method": {"augment"},
    "mlp_encoder": {"recipe"},
    "mlp_probe": {"y_test"},
    "pair_moments": {"weights"},
    "pairs_graph": {"weights"},
    "rbf_kernel": {"Y"},
    "ridge_probe": {"y_test"},
    "target_report": {"center"},
    "tiny_encoder": {"recipe"},
    "untrained": {"recipe"},
}
# Settings that may still be given by position. The list may get shorter.
BY_POSITION = {
    "geodesic_distances": {"k"},
    "mask_moments": {"patch_shape"},
    "mlp": {"activation"},
    "pairwise_entropy": {"kind"},
    "scale_lr": {"rule"},
    "standardize": {"dim"},
    "tiny_augmentation": {"area", "erased", "noise", "degrees"},
    "warmup_cosine": {"end"},
}


def functions(room):
    return {name: getattr(room, name) for name in room.__all__ if inspect.isfunction(getattr(room, name))}


def positional_with_default(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.default is not p.empty and p.kind is not p.KEYWORD_ONLY}


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_settings_are_given_by_name(room):
    found = {name: positional_with_default(function) for name, function in functions(room).items()}
    settings = {name: names - OPTIONAL_DATA.get(name, set()) for name, names in found.items()}
    expected = {name: BY_POSITION.get(name, set()) for name in found}
    assert settings == expected


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_more_than_two_results_have_names(room):
    for name, function in functions(room).items():
        returned = inspect.get_annotations(function)["return"]
        if typing.get_origin(returned) is tuple:
            assert len(typing.get_args(returned)) <= 2, name


def test_a_loss_of_several_terms_gives_its_total_first():
    returned = {name: inspect.get_annotations(function)["return"] for name, function in functions(losses).items()}
    several = {name: kind for name, kind in returned.items() if kind is not torch.Tensor}
    assert several.keys() == {"vicreg", "barlow_twins", "align_uniform"}
    assert all(issubclass(kind, tuple) and kind._fields[0] == "total" for kind in several.values())
