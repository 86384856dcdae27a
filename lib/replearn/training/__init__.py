"""The one loop that every method shares, and what it stands on."""

from replearn.training.checkpoint import load_checkpoint, save_checkpoint
from replearn.training.distillation import DINO, SelfDistillation
from replearn.training.fine_tune import Classification, fine_tune
from replearn.training.gather import gather, processes
from replearn.training.grad_cache import grad_cache
from replearn.training.ica import ICA, vcreg_ica
from replearn.training.loop import pretrain
from replearn.training.masked import LatentPrediction, MaskedAutoencoder, SimMIM
from replearn.training.methods import JointEmbedding, Method
from replearn.training.moco import KeyFreshness, MoCo, key_freshness
from replearn.training.nnclr import NNCLR
from replearn.training.optimisers import LARS, param_groups
from replearn.training.pairs import GroupedPairs
from replearn.training.pretext import RotationPrediction
from replearn.training.progress import History, NonFiniteLossError
from replearn.training.queue import FeatureQueue
from replearn.training.recipes import (
    AFFINE,
    CROP_ROT,
    MLP400,
    R100,
    R200,
    Recipe,
    Trained,
    features,
    low_shot,
    mlp_encoder,
    tiny_augmentation,
    tiny_encoder,
    tiny_mnist,
    train_mlp,
    train_networks,
    train_tiny,
    untrained,
    warm_up_batch_norm,
)
from replearn.training.restarts import Start, train_ce_starts
from replearn.training.sampled import train_ce, train_pairs
from replearn.training.schedules import cosine_ramp, scale_lr, warmup_cosine
from replearn.training.seed import seed_everything, seeded
from replearn.training.swav import SwAV
from replearn.training.teacher import EMA
from replearn.training.worlds import LossScale, WorldRun, loss_scale, train_world, train_world_classes

__all__ = [
    "AFFINE",
    "CROP_ROT",
    "DINO",
    "EMA",
    "ICA",
    "LARS",
    "MLP400",
    "NNCLR",
    "R100",
    "R200",
    "Classification",
    "FeatureQueue",
    "GroupedPairs",
    "History",
    "JointEmbedding",
    "KeyFreshness",
    "LatentPrediction",
    "LossScale",
    "MaskedAutoencoder",
    "Method",
    "MoCo",
    "NonFiniteLossError",
    "Recipe",
    "RotationPrediction",
    "SelfDistillation",
    "SimMIM",
    "Start",
    "SwAV",
    "Trained",
    "WorldRun",
    "cosine_ramp",
    "features",
    "fine_tune",
    "gather",
    "grad_cache",
    "key_freshness",
    "load_checkpoint",
    "loss_scale",
    "low_shot",
    "mlp_encoder",
    "param_groups",
    "pretrain",
    "processes",
    "save_checkpoint",
    "scale_lr",
    "seed_everything",
    "seeded",
    "tiny_augmentation",
    "tiny_encoder",
    "tiny_mnist",
    "train_ce",
    "train_ce_starts",
    "train_mlp",
    "train_networks",
    "train_pairs",
    "train_tiny",
    "train_world",
    "train_world_classes",
    "untrained",
    "vcreg_ica",
    "warm_up_batch_norm",
    "warmup_cosine",
]
