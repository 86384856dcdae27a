import pytest
import torch
from torch import nn

from replearn import splines
from replearn.splines import Abs, Activation, Affine, MaxPool, Residual
from replearn.splines.compiling import run


def conv_net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (2, 6, 6)),
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(0.1),
        Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), Abs(), nn.Dropout(0.5)), nn.Conv2d(4, 4, 1)),
        nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(3), nn.Identity(), nn.Flatten()),
        nn.Linear(4, 3, bias=False),
    )


def test_every_known_module_is_flattened_in_forward_order():
    ops = splines.compile_piecewise_affine(conv_net().eval())
    names = [type(op).__name__ for op in ops]
    body = ["SaveSkip", "Affine", "Activation", "AddSkip"]
    assert names == ["Affine"] * 3 + ["Activation", *body, "MaxPool", "Affine", "Affine", "Affine"]
    assert [op.slope for op in ops if isinstance(op, Activation)] == [0.1, -1.0]
    assert MaxPool((2, 2), (2, 2)) in ops


def test_the_program_computes_what_the_model_computes():
    model = conv_net().double().eval()
    model[2].running_mean.normal_()
    model[2].running_var.uniform_(0.5, 2)
    x = torch.randn(7, 72, dtype=torch.float64)
    torch.testing.assert_close(run(splines.compile_piecewise_affine(model), x[:, None])[:, 0], model(x))


def test_modules_act_on_derivatives_by_their_linear_part():
    layer = nn.BatchNorm1d(5).double().eval()
    layer.running_mean.normal_()
    rows = torch.randn(3, 4, 5, dtype=torch.float64)
    out = Affine(layer)(rows)
    slope = (layer.weight / (layer.running_var + layer.eps).sqrt()).detach()
    torch.testing.assert_close(out[:, :-1], rows[:, :-1] * slope)
    torch.testing.assert_close(out[:, -1], layer(rows[:, -1]))


def test_a_leaky_relu_of_slope_one_is_no_activation():
    assert [type(op) for op in splines.compile_piecewise_affine(nn.Sequential(nn.LeakyReLU(1.0), nn.Linear(2, 2)))] == [
        Affine
    ]


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.GELU()), "model.1 is a GELU"),
        (nn.Sigmoid(), "model is a Sigmoid"),
        (Residual(nn.LayerNorm(2)), "model.body is a LayerNorm"),
        (nn.BatchNorm1d(2), "training mode"),
        (nn.Sequential(nn.Dropout(0.1)), "training mode"),
        (nn.BatchNorm1d(2, track_running_stats=False).eval(), "no running statistics"),
        (Residual(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.ReLU())), "must be affine"),
        (nn.MaxPool2d(3, padding=1), "without padding"),
        (nn.Flatten(2), "Flatten"),
        (nn.Unflatten(2, (1, 1)), "dimension 1"),
    ],
)
def test_what_is_not_piecewise_affine_is_named(module, message):
    with pytest.raises(ValueError, match=message):
        splines.compile_piecewise_affine(module)


def test_non_finite_weights_are_refused():
    model = nn.Linear(2, 2)
    model.weight.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match="weight contains NaN"):
        splines.compile_piecewise_affine(model)
