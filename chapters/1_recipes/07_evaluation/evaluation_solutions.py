# %% [markdown]
# # Evaluating representations: solutions
#
# Try first. The exercises stand in the [lesson](evaluation.ipynb) and in the [lab](evaluation_lab.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch

import cookbook as cb
from replearn import data, evaluation, losses, recipes, training

ch = cb.Chapter("evaluation_solutions", scale=scale, seed=seed)
digits = data.load("digits")
order = np.random.default_rng(ch.seed).permutation(1797)[:1400]
labels = digits.labels[order].numpy()
pixels = digits.images[order].flatten(1).double().numpy()
pixels = pixels[:, pixels[:1000].std(axis=0) > 0]
pixels = pixels - pixels.mean(axis=0)

# %% [markdown]
# ## Check yourself: the lesson
#
# 1. *How large a difference could be luck?* With accuracy $P$ the share of right answers among 400 has a standard deviation of $\sqrt{P(1-P)/400}$, about 0.015 at 0.9. On the same pictures differences are steadier still. Eight points are no luck.
# 2. *What does ridge forgive?* Its penalty must not notice: $\|A^{-1} \beta\| = \|\beta\|$ for all $\beta$, so $A$ is a turn. If the columns are standardised first, it forgives another scale for each column too, but then no longer every turn.
# 3. *RankMe at high temperatures.* All negatives are pushed alike, so a query flees only the mean of the cloud. Most dimensions are then left unused: a partial collapse.
# 4. *Six models, Spearman 0.6.* Unrelated scores of six models have a standard deviation of $1/\sqrt 5 = 0.45$. About one shuffle in four or five lies at least 0.6 from 0. Not very impressed.
# 5. *Which result to report?* Both, with the number of labels, how they were drawn, $k$, and how each probe was tuned, the same way for all rivals. With its better reader each (ridge for the encoder, k-NN for pixels) the encoder leads by little at 100 labels, and the pixels win at 2,000. Is the encoder's geometry to blame for its k-NN? The cell below makes its directions nearly equally large, without a label. K-NN gains, but stays below its 0.77 on pixels.
#
# ## Check yourself: the lab
#
# - A. $\Omega_{ii} = 1$: the fit follows the label, and (4) divides 0 by 0. A picture that decides for itself cannot tell how well the rest predicts it.
# - B. It would count it as signal, since then images differ more than their views. LiDAR knows only what the views vary.
# - C. At 1,000 samples, about 16 to a dimension, the error is below 0.1.
# - D. The frozen probe, as a rule: it lives on what pre-training has left. But only the measurement tells.
# - E. Standardising divides by the small deviation of the border, so its noise becomes the loudest feature.
# - F. NMI is $2 \log 10 / (\log 1000 + \log 10) = 0.5$, and AMI is 0.
# - G. Which points are neighbours. Not how wide a cloud is, nor how far clouds are apart, nor how many there are.
# - H. Other crops of the same picture: the embedding, which was trained to find them. The turn: the representation, since the loss wants the embedding to forget it.

# %% tags=["solution"]
mnist = recipes.tiny_mnist()
recipe = recipes.TINY_SHORT._replace(width=16, steps=100, batch_size=64, lr=1e-2, warmup=10)
loss = partial(losses.nt_xent, temperature=0.2)
encoder = recipes.train_tiny(loss, mnist.x_train, recipe=recipe, seed=ch.seed).encoder
known, new = (training.features(encoder, x).double() for x in (mnist.x_train[:2000], mnist.x_test))
sizes, directions = torch.linalg.eigh(known.T.cov())
equal = directions / (sizes + 1e-3 * sizes.max()).sqrt()
for name, (A, mean) in {"as it is": (torch.eye(len(sizes)).double(), 0), "made equal": (equal, known.mean(0))}.items():
    Z, Z_new, y = (known - mean) @ A, (new - mean) @ A, mnist.y_train
    parts = [slice(i, i + 100) for i in range(0, 500, 100)]
    scores = [evaluation.knn_probe(Z[part], y[part], Z_new, mnist.y_test, k=5) for part in parts]
    print(f"k-NN with 100 labels, encoder {name}: {np.mean(scores):.3f}")

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Why does standardising the columns change the answer of k-NN, but not that of least squares?
#
# Standardising (of centered columns) multiplies $Z$ by a diagonal matrix. It is invertible, so least squares forgives it by (1). But unless all deviations are equal it is not a turn times a scale: angles between rows change, and with them the neighbours. On the digits the borders, which hardly vary, count as much as the ink from then on.

# %% tags=["solution"]
for name, Z in {"pixels": pixels, "standardised": pixels / pixels[:1000].std(axis=0)}.items():
    with_ones = np.column_stack([Z, np.ones(1400)])
    outputs = with_ones[1000:] @ np.linalg.lstsq(with_ones[:1000], np.eye(10)[labels[:1000]])[0]
    knn = evaluation.knn_probe(Z[:1000], labels[:1000], Z[1000:], labels[1000:])
    print(f"{name:12s}: k-NN {knn:.3f}, least squares {np.mean(outputs.argmax(axis=1) == labels[1000:]):.3f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Show that (2) is at least $1 / \sum_j \pi_j^2$. When are they equal?
#
# The $\pi_j$ are not negative and sum to 1, so $\sum_j \pi_j \log \pi_j$ is a mean of logarithms. The logarithm is concave (Jensen):
#
# $$ \sum_j \pi_j \log \pi_j \le \log \sum_j \pi_j \cdot \pi_j . $$
#
# Change the sign and take the exponential. Equality holds where all positive $\pi_j$ are equal, since the logarithm is strictly concave.

# %% tags=["solution"]
share = np.linalg.svd(pixels, compute_uv=False)
share = share / share.sum()
print(f"digits: {evaluation.effective_rank(pixels, eps=0):.2f} and {1 / np.sum(share**2):.2f}")

# %% [markdown] tags=["solution"]
# **3** ●●● 60 min. Score the networks of section 4 by LiDAR, with views that are made by an augmentation of your choice, the same for all. Is there one for which LiDAR finds the best angle?
#
# Below, a column is a network, a row the augmentation that made the ten views of each of 300 images; LiDAR is computed on the embeddings. At the right stands the accuracy that is lost by LiDAR's pick.

# %% tags=["solution"]
mnist = recipes.tiny_mnist()
steps = ch.pick(fast=20, toy=100)
recipe = recipes.TINY_SHORT._replace(steps=steps, batch_size=64, lr=1e-2, warmup=10)
angles = ch.pick(fast=[0, 30, 180], toy=[0, 5, 10, 20, 30, 45, 90, 180])
loss = partial(losses.nt_xent, temperature=0.2)
networks, accuracy = [], []
for angle in angles:
    augment = recipes.tiny_augmentation(degrees=angle)
    run = recipes.train_tiny(loss, mnist.x_train, recipe=recipe, augment=augment, seed=ch.seed)
    networks.append(torch.nn.Sequential(run.encoder, run.projector))
    accuracy.append(recipes.low_shot(run.encoder, mnist, repeats=10))
print("trained with    ", *(f"{angle:4d}°" for angle in angles))
print("accuracy        ", *(f"{value:5.2f}" for value in accuracy))

# %% tags=["solution"]
repeated = mnist.x_train[:300].repeat_interleave(10, dim=0)
shown = {"turn of 10": (1, 10), "turn of 30": (1, 30), "turn of 90": (1, 90), "crop": (0.4, 0)}
shown |= {"crop and turn": (0.4, 15), "noise": (1, 0, 0, 0.5)}
for name, strength in shown.items():
    views = recipes.tiny_augmentation(*strength)(repeated, torch.Generator().manual_seed(0))
    row = [evaluation.lidar(training.features(f, views).unflatten(0, (300, 10))) for f in networks]
    lost = max(accuracy) - accuracy[int(np.argmax(row))]
    print(f"{name:16s}", *(f"{value:5.1f}" for value in row), f"  lost {lost:.3f}")

# %% [markdown] tags=["solution"]
# **3**, what we found (seed 0). None of these six: LiDAR picks 0° in every row, as RankMe does. A network that was taught to forget nothing keeps images so far apart that the spread of their views is small beside it. Six augmentations on one toy are no proof.

# %% [markdown] tags=["solution"]
# **L1** ●○○ 15 min. Build a representation of the digits with the highest RankMe that 64 numbers can have, and the accuracy of chance.
#
# RankMe is highest, 64, where all singular values are equal: for orthonormal columns. They may be made of noise, drawn without a look at the pictures.

# %% tags=["solution"]
noise = np.random.default_rng(ch.seed).standard_normal((1400, 64))
empty = np.linalg.qr(noise)[0]
accuracy = evaluation.ridge_probe(empty[:1000], labels[:1000], empty[1000:], labels[1000:])
print(f"RankMe {evaluation.effective_rank(empty):.2f} of 64, accuracy {accuracy:.2f}")

# %% [markdown] tags=["solution"]
# **L2** ●○○ 10 min. Let $\nu \to \infty$ in (3). What does the ridge probe predict then, and what does (4) say?
#
# The first term of $\Omega$ vanishes, and $\hat t_i$ is the mean $\bar t$ of all targets: the weights are crushed, only the offset is left. (4) gives $t_i - \hat t_{(i)} = (t_i - \bar t)\, N / (N - 1)$. Indeed the mean without picture $i$ is $(N \bar t - t_i) / (N - 1)$, and $t_i$ minus that is the same.

# %% tags=["solution"]
targets = torch.rand(6, 1, dtype=torch.float64)
features = torch.randn(6, 2, dtype=torch.float64)
left_out = evaluation.loo_residuals(features, targets, lam=1e12)
print((left_out / (targets - targets.mean())).flatten(), 6 / 5)

# %% [markdown] tags=["solution"]
# **L3** ●●○ 20 min. Show that with endless data a direction of pure noise, drawn anew for each view, has the eigenvalue $1/\ell$ in LiDAR.
#
# Let the noise have variance $\sigma^2$. The mean of $\ell$ independent views has the variance $\sigma^2 / \ell$, which is the direction's entry in $\Sigma_b$; $\Sigma_w$ has $\sigma^2$ (plus $10^{-4}$). Independent directions do not mix, so the ratio is $1/\ell$, whatever $\sigma$ is. A direction that tells images apart has the eigenvalue *between over within* plus $1/\ell$, much larger.

# %% [markdown] tags=["solution"]
# **L4** ●●○ 30 min. Derive (6).
#
# Let $N_{uv}$ pictures be in cluster $u$ and class $v$, and $E_{uv} = N_u N_v / N$ be what independence expects. The mutual information in nats is $\frac1N \sum_{uv} N_{uv} \log (N_{uv} / E_{uv})$. Write $N_{uv} = E_{uv} + D_{uv}$ with small $D_{uv}$ and expand: the linear terms sum to 0 and
#
# $$ 2N \cdot I \approx \sum_{uv} \frac{D_{uv}^2}{E_{uv}} , $$
#
# Pearson's statistic. Under independence it is nearly chi-squared with $(\text{clusters} - 1)(\text{classes} - 1)$ degrees of freedom: rows and columns of $D$ sum to 0. Its mean is that number, which gives (6). The expansion wants every $E_{uv}$ large, so $N$ much larger than clusters times classes.

# %% tags=["solution"]
rng = np.random.default_rng(ch.seed)
for clusters in (10, 1000):
    information = []
    for _ in range(20):
        u, v = rng.integers(0, clusters, 1000), rng.integers(0, 10, 1000)
        table = np.histogram2d(u, v, bins=[np.arange(clusters + 1), np.arange(11)])[0] / 1000
        expected = table.sum(1, keepdims=True) * table.sum(0)
        information.append(np.sum(table[table > 0] * np.log(table[table > 0] / expected[table > 0])))
    print(f"{clusters:4d} clusters: {np.mean(information):.3f} nats, by (6) {(clusters - 1) * 9 / 2000:.3f}")

# %% [markdown] tags=["solution"]
# **L5** ●●● 60 min. Does a smaller rate for the pre-trained encoder restore its lead, with 100 labels and with 30?
#
# With seed 0 and three sets of labels: yes, and it does not help. At a tenth of the head's rate the pre-trained encoder leads by 0.06 with either number of labels; at the full rate by 0.03 with 30 labels and by 0.01 with 100. But at the full rate both are better by 0.05 or more. A lead is not a gain: the random start has a rate of its own, and each start should get its best.


# %% tags=["solution"]
starts = {
    "pre-trained": recipes.train_tiny(loss, mnist.x_train, recipe=recipe, seed=ch.seed).encoder,
    "random": recipes.untrained(mnist.x_train, recipe, seed=ch.seed),
}
light = recipes.tiny_augmentation(area=0.7, degrees=15)
steps, sets = ch.pick(fast=10, toy=100), ch.pick(fast=1, toy=3)


def tuned(encoder, n_labels, rate, part):
    each = slice(part * n_labels // 10, (part + 1) * n_labels // 10)
    chosen = torch.cat([(mnist.y_train == digit).nonzero()[each, 0] for digit in range(10)])
    known = mnist.x_train[chosen], mnist.y_train[chosen]
    settings = {"steps": steps, "warmup": 5, "encoder_lr": rate, "augment": light, "seed": ch.seed}
    network = training.fine_tune(encoder, *known, **settings)
    right = training.features(network, mnist.x_test).argmax(1) == mnist.y_test
    return right.double().mean().item()


for n_labels in (30, 100):
    for rate in ch.pick(fast=[1.0], toy=[0.1, 0.3, 1.0]):
        scores = {name: [tuned(f, n_labels, rate, i) for i in range(sets)] for name, f in starts.items()}
        shown = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in scores.items())
        print(f"{n_labels:3d} labels, rate {rate}: {shown}")

# %%
ch.footer()
