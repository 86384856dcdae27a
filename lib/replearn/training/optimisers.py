"""What an optimiser is given."""

from replearn.validate import check_positive


def param_groups(model, weight_decay):
    """Split a model's parameters into those that decay and those of at most one dimension, which do not.

    Biases and the scales of BatchNorm and LayerNorm are one-dimensional: decaying them moves a layer's operating
    point without regularising anything.

    Parameters
    ----------
    model : torch.nn.Module
        Its parameters that require gradients are taken.
    weight_decay : float
        The decay of matrices and kernels, at least 0.

    Returns
    -------
    list of dict
        Two groups, ready for any torch optimiser; an empty one is left out.

    Raises
    ------
    ValueError
        If ``weight_decay`` is negative, or nothing can be trained.

    Notes
    -----
    Source: Goyal et al. (2017), section 5.3; You et al., "LARS" (2017).
    """
    check_positive("weight_decay", weight_decay, allow_zero=True)
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise ValueError("the model has no parameter that requires a gradient, so there is nothing to train")
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
