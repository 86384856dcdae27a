# %% [markdown]
# # Evaluating representations: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from scipy.stats import spearmanr

import cookbook as cb
from replearn import data, evaluation, losses, recipes, training

ch = cb.Chapter("evaluation_solutions", scale=scale, seed=seed)
digits = data.load("digits")
n, y = digits.n_train, digits.labels.numpy()
pixels = digits.images.flatten(1).double().numpy()
pixels = pixels - pixels[:n].mean(axis=0)
Y = np.eye(10)[y[:n]]

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Why does standardising the columns change the answer of k-NN, but not that of least squares?
#
# Standardising (of centred columns) multiplies $Z$ by a diagonal matrix $A$. It is invertible, so the span of the columns stays what it was, and with it what least squares predicts:
# $Z W = (Z A) (A^{-1} W)$. But unless all deviations are equal, $A$ is not a rotation times a scale: angles between rows change, and with them the neighbours. On the digits the black borders,
# which hardly vary, count as much as the ink from then on.

# %% tags=["solution"]
deviation = pixels[:n].std(axis=0)
deviation[deviation == 0] = 1
for name, Z in {"pixels": pixels, "standardised": pixels / deviation}.items():
    with_intercept = np.column_stack([Z, np.ones(len(Z))])
    outputs = with_intercept[n:] @ np.linalg.lstsq(with_intercept[:n], Y)[0]
    knn = evaluation.knn_probe(Z[:n], y[:n], Z[n:], y[n:])
    print(f"{name:12s}: k-NN {knn:.3f}, least squares {np.mean(outputs.argmax(axis=1) == y[n:]):.3f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Show that (4), without $10^{-7}$, is at least $1 / \sum_j p_j^2$, the participation ratio of the same $p$.
#
# The $p_j$ are positive and sum to 1, so $\sum_j p_j \log p_j$ is a mean of logarithms. The logarithm is concave (Jensen):
#
# $$ \sum_j p_j \log p_j \le \log \sum_j p_j \cdot p_j . $$
#
# Change the sign and take the exponential: $\text{RankMe} \ge 1 / \sum_j p_j^2$, with equality where all positive $p_j$ are equal.

# %% tags=["solution"]
p = np.linalg.svd(pixels, compute_uv=False)
p = p / p.sum()
print(f"digits: {evaluation.effective_rank(pixels, eps=0):.2f} and {1 / np.sum(p**2):.2f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Build a representation with the highest RankMe that there is and the accuracy of chance.
#
# RankMe is highest, $K$, where all singular values are equal: for orthonormal columns. They may be made of noise, drawn without a look at the images:

# %% tags=["solution"]
noise = np.random.default_rng(ch.seed).standard_normal((1797, 64))
empty = np.linalg.qr(noise)[0]
chance = evaluation.ridge_probe(empty[:n], y[:n], empty[n:], y[n:])
print(f"RankMe {evaluation.effective_rank(empty):.2f} of 64, accuracy {chance:.2f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Score the six models that were trained with augmentation A by LiDAR with views from augmentation B. Is there a B that ranks them by accuracy?
#
# The six models as in the lesson, and the same ten views of each of 300 images for all of them (B = none would give ten equal views). A column is a model, a row a B; at the right stands
# Spearman's correlation with the accuracy at 200 labels.

# %% tags=["solution"]
strengths = {"none": (1, 0), "noise": (1, 0, 0, 0.5), "turn": (1, 15), "crop": (0.4, 0)}
strengths |= {"crop + turn": (0.4, 15), "crop + any turn": (0.4, 180)}
mnist = recipes.tiny_mnist()
size = ch.pick(fast={"width": 8, "steps": 40}, toy={"width": 16, "steps": 150})
recipe = recipes.TINY_SHORT._replace(batch_size=64, lr=8e-3, **size)
encoders, accuracy = [], []
for strength in strengths.values():
    augment = recipes.tiny_augmentation(*strength)
    run = recipes.train_tiny(losses.nt_xent, mnist.x_train, recipe=recipe, augment=augment, seed=ch.seed)
    h, h_test = training.features(run.encoder, mnist.x_train), training.features(run.encoder, mnist.x_test)
    encoders.append(run.encoder)
    accuracy.append(evaluation.low_shot_probe(h, mnist.y_train, h_test, mnist.y_test))
print("accuracy        ", *(f"{value:5.2f}" for value in accuracy))

# %% tags=["solution"]
repeated = mnist.x_train[:300].repeat_interleave(10, dim=0)
for shown in list(strengths)[1:]:
    views = recipes.tiny_augmentation(*strengths[shown])(repeated, torch.Generator().manual_seed(0))
    row = [evaluation.lidar(training.features(f, views).unflatten(0, (300, 10))) for f in encoders]
    rho = spearmanr(row, accuracy).statistic
    print(f"{shown:16s}", *(f"{value:5.1f}" for value in row), f"  {rho:+.2f}")

# %% [markdown] tags=["solution"]
# No B does: at scale toy all five correlations are negative. The model without augmentation has the highest LiDAR in every row: it keeps images so far apart that the spread of their views is
# small beside it. (With six models a correlation needs to be above 0.8 before it says much.)

# %%
ch.footer()
