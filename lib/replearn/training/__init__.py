"""The one loop that every method shares, and what it stands on."""

from replearn.training.checkpoint import load_checkpoint, save_checkpoint
from replearn.training.ica import ICA, vcreg_ica
from replearn.training.loop import pretrain
from replearn.training.methods import JointEmbedding, Method
from replearn.training.optimisers import param_groups
from replearn.training.progress import History, NonFiniteLossError
from replearn.training.recipes import (
    CROP_ROT,
    R100,
    R200,
    Recipe,
    Trained,
    features,
    tiny_encoder,
    tiny_mnist,
    train_tiny,
    warm_up_batch_norm,
)
from replearn.training.schedules import cosine_ramp, scale_lr, warmup_cosine
from replearn.training.seed import seed_everything, seeded

__all__ = [
    "CROP_ROT",
    "ICA",
    "R100",
    "R200",
    "History",
    "JointEmbedding",
    "Method",
    "NonFiniteLossError",
    "Recipe",
    "Trained",
    "cosine_ramp",
    "features",
    "load_checkpoint",
    "param_groups",
    "pretrain",
    "save_checkpoint",
    "scale_lr",
    "seed_everything",
    "seeded",
    "tiny_encoder",
    "tiny_mnist",
    "train_tiny",
    "vcreg_ica",
    "warm_up_batch_norm",
    "warmup_cosine",
]
