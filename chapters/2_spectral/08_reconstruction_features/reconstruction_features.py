# %% [markdown]
# # Learning by reconstruction
#
# After this chapter you can say which directions of the data an auto-encoder learns, in which order and how late, and what masks can change in that and Gaussian noise cannot.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import SelectionSlider
from scipy.linalg import eigh

import cookbook as cb
from replearn import data, evaluation, recipes, spectral
from replearn.papers.reconstruction_features import (
    ConvRandomFeatures,
    hot_pixels,
    joint_encoder,
    linear_autoencoder_flow,
    masking_score,
    pca_split,
    task_alignment,
)

ch = cb.Chapter("reconstruction_features", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
n = ch.pick(fast=2000, toy=4000)
olive, dark, rose = cb.color("reconstruction"), cb.color("theory"), cb.color("jepa")

# %% [markdown]
# ## The question
#
# MNIST digits of 14 × 14 pixels, each on a smooth background of its own, which says nothing about the digit. Describe each image by seven numbers, so well that 90 % of the variance of the pixels can be
# reconstructed from them. What do the seven numbers say?

# %%
mnist = recipes.tiny_mnist(standardized=False)


def digits(seed, nuisance):
    """Flattened images and their labels: n for training, then 2000 for testing. Training pixels have mean zero."""
    rows = np.random.default_rng(seed).permutation(8000)[:n]
    images = torch.cat([mnist.x_train[rows], mnist.x_test]) + nuisance
    X = images.double().flatten(1).numpy()
    return X - X[:n].mean(axis=0), torch.cat([mnist.y_train[rows], mnist.y_test]).numpy()


worlds = {"plain": [digits(s, 0) for s in seeds]}
worlds["smooth"] = [digits(s, data.smooth_background(n + 2000, 14, seed=s)) for s in seeds]
worlds["hot"] = [digits(s, hot_pixels(n + 2000, 14, count=40, seed=s)) for s in seeds]
X, y = worlds["smooth"][0]
shown = X[n : n + 8]


# %%
def strips(ax, basis, labels):
    """Eight test images, what a basis reconstructs of them, and the rest with twice the contrast."""
    rebuilt = shown @ basis @ basis.T
    rows = np.concatenate([shown, rebuilt, 2 * (shown - rebuilt)])
    cb.plots.image_grid(ax, rows.reshape(-1, 14, 14), columns=8)
    for row, label in enumerate(labels):
        ax.text(-2, 7 + 15 * row, label, ha="right", va="center")


basis, explained = pca_split(X[:n], 0.9)
fig, ax = plt.subplots(figsize=(7.8, 2.9), layout="constrained")
strips(ax, basis, ("image", f"from {basis.shape[1]} numbers", "the rest, × 2"))
ax.set_title(f"{explained:.0%} of the variance, and no digit")
plt.show()

# %% [markdown]
# *Read the digits in the middle row, then in the last.* The reconstruction is good by its own measure and useless for perception; the error that it makes is the digit. No training was needed to find
# this out: the best linear auto-encoder is principal component analysis (PCA).
#
# ## The mathematics
#
# **Reconstruction from a view.** As in [joint embedding vs reconstruction](../09_joint_embedding_vs_reconstruction/joint_embedding_vs_reconstruction.ipynb), a sample $x$ is a row of $X$ ($N \times D$, columns centred), $v$ a noisy
# or masked view of it, $V$ ($D \times K$) the encoder and $W$ ($K \times D$) the decoder, which minimise $E\|x - W^\top V^\top v\|^2$ ($E$ is the mean over samples and views). All that matters are $C = E[v v^\top]$ and
# $C_x = E[x v^\top]$. For a given $V$ the best decoder is $W = (V^\top C V)^{-1} V^\top C_x^\top$, and the error left is $E\|x\|^2 - \operatorname{tr}\big((V^\top C V)^{-1} V^\top C_x^\top C_x V\big)$. The trace is largest for the top $K$ solutions of
#
# $$ C_x^\top C_x\, v_i = w_i\, C\, v_i, \qquad V = [v_1 \dots v_K], \qquad V^\top C V = I, \qquad \mathcal L^\star = E\|x\|^2 - \sum_{i \le K} w_i . \tag{1} $$
#
# The **score** $w_i \ge 0$ ($\phi_i^2$ in the other chapter) is what direction $i$ saves of the error. The encoder keeps the $K$ best scores and knows nothing else. Let
# $S = X^\top X / N$ be the covariance of the pixels, with eigenvalues $l_1 \ge l_2 \ge \dots$ Without noise $C = C_x = S$, and the scores are the variances: $w_i = l_i$.
#
# **Gaussian noise**, $v = x + \sigma \epsilon$, has $C_x = S$ and $C = S + \sigma^2 I$, with the same eigenvectors, and the scores $w_i = l_i^2 / (l_i + \sigma^2)$. They grow with $l_i$, whatever $\sigma$ is, so the same
# directions are kept as without: this noise shrinks $W$ and changes nothing else.
#
# **Masks.** Cut the image into patches, and set each to zero with probability $p$, independently. Two pixels of one patch survive together with probability $1 - p$, two of different patches with $(1 - p)^2$. So ($\circ$ multiplies entry by entry)
#
# $$ C_x = (1 - p)\, S, \qquad C = S \circ B, \qquad B_{jk} = \begin{cases} 1 - p & \text{if } j, k \text{ share a patch (or } j = k), \\ (1 - p)^2 & \text{otherwise.} \end{cases} \tag{2} $$
#
# $C$ and $S$ have different eigenvectors now, and the order can change. Take a direction $u$ with entries $\pm 1/\sqrt m$ on $m$ pixels, no two in one patch, and let it be all that varies there, $S = l\, u u^\top$.
# Then $C u = l (1 - p) \big( (1 - p) + p / m \big) u$ and $C_x^\top C_x u = (1 - p)^2 l^2 u$, and the score is
#
# $$ w = l\, \frac{1 - p}{(1 - p) + p / m} . \tag{3} $$
#
# A pixel that varies on its own ($m = 1$) is discounted by $1 - p$, a direction spread over many pixels hardly at all: what is hidden can be told from what is not. This law is ours. A mask
# demotes what is *local* and promotes what is *predictable from elsewhere*; whether that is the digit or the background is up to the data.
#
# **A little supervision.** Let one encoder serve two decoders, one for the labels $Y$ ($N \times 10$, one-hot, centred) and one for the pixels: minimise
# $\frac1N \|Y - X V W_Y\|_F^2 + \frac{\lambda}{N} \|X - X V W\|_F^2$: PCA when $\lambda$ is large, the regression of the labels when it is small. The targets are $[Y, \sqrt\lambda X]$, and (1) becomes
#
# $$ \Big( \frac{X^\top Y\, Y^\top X}{N^2} + \lambda S^2 \Big) v_i = w_i\, S\, v_i, \qquad \mathcal L^\star = \frac1N \|Y\|_F^2 + \frac\lambda N \|X\|_F^2 - \sum_{i \le K} w_i . \tag{4} $$
#
# **When?** Train without noise, by gradient flow, from the small start $W = V^\top$, $V W = a_0 I$. In the basis of eigenvectors nothing mixes. Encoder and decoder have the same factor $s$ in direction $i$; the loss
# there is $l_i (1 - s^2)^2$, so $\dot s = 2 l_i (1 - s^2) s$, and the product $a_i = s^2$ follows $\dot a_i = 4 l_i a_i (1 - a_i)$, the logistic law
#
# $$ a_i(t) = \frac{1}{1 + (1 / a_0 - 1)\, e^{-4 l_i t}} , \qquad \text{error left: } \frac{\sum_i l_i (1 - a_i)^2}{\sum_i l_i} . \tag{5} $$
#
# Direction $i$ waits until $t \approx \log(1/a_0) / 4 l_i$ and is then learned quickly. What has a thousandth of the variance comes a thousand times later, and the loss barely notices. The paper gives (1), (2) and (4); (5) is the law of Saxe et al., for the start above.
#
# ## From scratch
#
# Equations (1), (2) and (4) in a few lines, on the middle 4 × 4 pixels, with 2 × 2 patches and $K = 4$.

# %%
X16 = X[:n].reshape(n, 14, 14)[:, 5:9, 5:9].reshape(n, 16)
S = X16.T @ X16 / n
patch = np.array([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3])
C_x, C = 0.5 * S, S * np.where(patch[:, None] == patch, 0.5, 0.25)
w, V = eigh(C_x.T @ C_x, C)
V = V[:, ::-1][:, :4]
moments = spectral.mask_moments(X16, 0.5, (4, 4), (2, 2))
masked = spectral.reduced_rank_regression(moments.C_clean, moments.C, 4)
np.testing.assert_allclose(V @ V.T @ C_x.T, masked.V @ masked.W, atol=1e-9)
np.testing.assert_allclose(w[::-1][:4], masked.phi[:4] ** 2)

# %%
Y = np.eye(10)[y[:n]]
Y = Y - Y.mean(axis=0)
cross = Y.T @ X16 / n
V = eigh(cross.T @ cross + 0.1 * S @ S, S)[1][:, ::-1][:, :4]
joint = joint_encoder(X16, Y, 4, lam=0.1)
np.testing.assert_allclose(V @ V.T, joint.V @ joint.V.T, atol=1e-8)
cb.show_source(joint_encoder)

# %% [markdown]
# ## The theorem, tested
#
# **Closed forms.** L-BFGS, from random numbers, minimises the masked loss over encoder and decoder. Four patches have 16 masks, all equally likely at $p = 1/2$, so the error can also be averaged over every
# mask there is. For (4) we put the encoder in and let least squares find both decoders.


# %%
def masked_loss(both):
    V, W = both[:16], both[16:].T
    C_x, C = torch.tensor(moments.C_clean), torch.tensor(moments.C)
    return np.trace(S) - 2 * torch.trace(C_x @ V @ W) + torch.trace(W.T @ V.T @ C @ V @ W)


descended = spectral.minimize_embedding(masked_loss, 32, 4, seed=ch.seed).losses[-1]
masks = np.array(list(product([0, 1], repeat=4)))[:, None, patch]
averaged = np.sum((X16 - masks * X16 @ masked.V @ masked.W) ** 2) / (16 * n)
theory = np.trace(S) - np.sum(masked.phi[:4] ** 2)
targets = np.hstack([Y, np.sqrt(0.1) * X16])
both = evaluation.null_projection_residual(X16 @ joint.V, targets) ** 2
off = abs(both / (np.sum(targets**2) - n * np.sum(joint.phi[:4] ** 2)) - 1)
ch.measure("closed-forms", descent=abs(descended / theory - 1), masks=abs(averaged / theory - 1), joint=off)

# %% [markdown]
# **Which noise turns the encoder?** All 196 pixels, $K = 16$: the largest angle between the subspace of PCA and that of a denoiser. And the law (3), on directions with random signs on 1 to 196 pixels.


# %%
def denoiser(X, K, p=0.0, patch=1, sigma=0.0):
    """Encoder for views with masked patches, or Gaussian noise added; without either it is PCA."""
    moments = spectral.mask_moments(X, p, (14, 14), (patch, patch))
    return spectral.reduced_rank_regression(moments.C_clean, moments.C + sigma**2 * np.eye(196), K).V


gaussian, turned = [], []
for X_seed, _ in worlds["smooth"]:
    pca = denoiser(X_seed[:n], 16)
    for sigma in (0.1, 1, 3, 10):
        gaussian.append(spectral.principal_angles(pca, denoiser(X_seed[:n], 16, sigma=sigma)).max())
    turned.append(spectral.principal_angles(pca, denoiser(X_seed[:n], 16, p=0.5, patch=2)).max())
ch.measure("gaussian-never-masking-may", gaussian=gaussian, masks=turned)

# %%
rng, off = np.random.default_rng(ch.seed), []
for m, p in product((1, 2, 7, 30, 196), (0.1, 0.5, 0.9)):
    u = rng.permutation(np.append(rng.choice([-1, 1], m) / np.sqrt(m), np.zeros(196 - m)))
    line = rng.standard_normal((50, 1)) * u
    moments = spectral.mask_moments(line, p, (14, 14))
    score = spectral.reduced_rank_regression(moments.C_clean, moments.C, 1).phi[0] ** 2
    off.append(abs(score / masking_score(np.sum(line**2) / 50, m, p) - 1))
ch.measure("mask-law", gap=max(off))

# %% [markdown]
# ## The experiment
#
# **Which subspace holds the digit?** The paper projects images on the top of the spectrum, or on the bottom, and trains a classifier on each. Ours is a **linear probe**, ridge regression on one-hot labels, with all
# features divided by *one* number, so that small ones stay small. We cut everywhere: the top part leaves at most a share of the variance, the bottom part is that rest. The control has no background.


# %%
def accuracy(Z, y, lam=1e-3, scale=None):
    """Test accuracy of a ridge probe on n training rows of Z over one scale; the other rows are the test set."""
    Z = Z / (scale or Z[:n].std())
    return evaluation.ridge_probe(Z[:n], y[:n], Z[n:], y[n:], lam=lam, standardize=False)


lost = [0.5, 0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.025, 0.02, 0.015, 0.01, 0.005, 0.002, 0.001]
cuts = {kind: np.zeros((len(seeds), 2, len(lost))) for kind in ("smooth", "plain")}
for kind, i, j in product(cuts, range(len(seeds)), range(len(lost))):
    X_seed, y_seed = worlds[kind][i]
    top, _ = pca_split(X_seed[:n], 1 - lost[j])
    rest, _ = pca_split(X_seed[:n], lost[j], part="bottom")
    cuts[kind][i, :, j] = accuracy(X_seed @ top, y_seed), accuracy(X_seed @ rest, y_seed)

# %%
better = {kind: cuts[kind][:, 1, lost.index(0.2)] - cuts[kind][:, 0, lost.index(0.1)] for kind in cuts}
ch.measure("top-is-wrong", gain=better["smooth"])
ch.measure("no-background", gain=-better["plain"])

fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.3), sharey=True, layout="constrained")
for ax, kind in zip(axes, cuts, strict=True):
    tops, rests = cuts[kind].mean(axis=0)
    ax.semilogx(lost, tops, "o-", ms=4, color=olive)
    ax.semilogx(lost, rests, "o-", ms=4, color=dark)
    ax.set(xlim=(0.6, 0.0009), ylim=(0, 0.95), xlabel="share of the variance left by the top part")
    ax.set_xticks([0.1, 0.01, 0.001], ["0.1", "0.01", "0.001"])
axes[0].text(0.5, 0.74, "bottom part", color=dark)
axes[0].text(0.5, 0.17, "top part", color=olive)
axes[0].set(title="On backgrounds the top is the wrong part", ylabel="accuracy of a linear probe")
axes[1].set_title("Without, it is the right one")
plt.show()

# %% [markdown]
# *Follow the olive line from left to right.* On backgrounds it stays near chance until nine tenths of the variance are explained, and only the last hundredths bring the digits; the dark line, all that
# reconstruction has *not* yet paid for, knows them all the while. Without backgrounds the olive line is high at once: there is nothing else to reconstruct.
#
# **Photographs** have no background of our making. Take grey crops of 16 × 16 pixels from eleven photographs, divide each by its standard deviation as the paper's code does (constant crops are left out), and
# project on the top or the bottom of the spectrum. A probe on the means and deviations of fixed random filters names the photograph. Then the same, after removing each crop's mean.

# %%
photos = data.load("photos")
crops = photos.images.double().mean(dim=1).unfold(1, 16, 16).unfold(2, 16, 16).reshape(-1, 4, 256)
varied = crops.std(dim=2) > 0.01
sources, m = photos.labels[:, None].expand(-1, 4)[varied], int(varied[: photos.n_train].sum())
raw = crops[varied] / crops[varied].std(dim=1, keepdim=True)
flat = raw - raw.mean(dim=1, keepdim=True)


def named(inputs, part, share, seed):
    inputs = (inputs - inputs[:m].mean(dim=0)).numpy()
    basis, _ = pca_split(inputs[:m], share, part=part)
    images = torch.tensor(inputs @ basis @ basis.T).float().reshape(-1, 1, 16, 16)
    Z = ConvRandomFeatures(48, seed=seed)(images)
    return evaluation.ridge_probe(Z[:m], sources[:m], Z[m:], sources[m:])


raw_gain = [named(raw, "bottom", 0.1, s) - named(raw, "top", 0.9, s) for s in seeds]
flat_gain = [named(flat, "bottom", 0.1, s) - named(flat, "top", 0.9, s) for s in seeds]
ch.measure("photographs", gain=raw_gain)
ch.measure("brightness-explains-it", gain=flat_gain)

# %% [markdown]
# An effect, and an honest negative. One direction, the brightness of the crop, carries 99 % of the variance, and it does not name a photograph. Remove each crop's mean first, and the effect is gone, even slightly
# reversed. Our photographs say "brightness explains pixels" and no more; the paper's figures for TinyImagenet come from its own preprocessing and deep classifiers.
#
# **Learned last.** First the law (5): gradient descent on the 16 middle pixels, from $V = \sqrt{a_0}\, Q$, $W = V^\top$ with a random rotation $Q$. Nobody tells it the eigenvectors. Time is in units of $1 / l_1$.

# %%
S1, step, off = S / np.linalg.norm(S, 2), 0.002, []
variances, U = eigh(S1)
V = 0.01 * np.linalg.qr(rng.standard_normal((16, 16)))[0]
W = V.T
for i in range(20_000):
    if i % 500 == 0:
        law = linear_autoencoder_flow(variances, i * step, 1e-4)
        off.append(abs(np.diag(U.T @ V @ W @ U) - law).max())
    gradient = -2 * S1 @ (np.eye(16) - V @ W)
    V, W = V - step * gradient @ W.T, W - step * V.T @ gradient
ch.measure("logistic-law", gap=max(off))

# %% [markdown]
# On all 196 pixels the law replaces a descent of a million steps. The latent coordinate of direction $i$ is $\sqrt{a_i}\, u_i^\top x$. The probe has a ridge of $10^{-4}$ (squared pixels) and rescales nothing: what
# is not learned yet is small. We start from $a_0 = 10^{-6}$ and, ten times larger in $V$, from $10^{-4}$.

# %%
clock, courses, late, missing = np.geomspace(1, 1e6, 40), [], [], []
for a0, (X_seed, y_seed) in product((1e-6, 1e-4), worlds["smooth"]):
    _, spread, Ut = np.linalg.svd(X_seed[:n], full_matrices=False)
    a = linear_autoencoder_flow((spread / spread[0]) ** 2, clock, a0)
    error = np.sum(spread**2 * (1 - a) ** 2, axis=1) / np.sum(spread**2)
    latents = [X_seed @ Ut.T * root for root in np.sqrt(a)]
    read = np.array([accuracy(Z, y_seed, lam=1e-4, scale=1) for Z in latents])
    rebuilt = np.argmax(error <= 0.1)
    late.append(clock[np.argmax(read >= 0.95 * read[-1])] / clock[rebuilt])
    missing.append(read[-1] - read[rebuilt])
    courses.append((error, read))
ch.measure("learned-last", ratio=late, missing=missing)

# %%
fig, ax = plt.subplots(figsize=(6.8, 3.3), layout="constrained")
ax.semilogx(clock, courses[0][0], color=olive)
ax.semilogx(clock, courses[0][1], color=dark)
ax.semilogx(clock, courses[len(seeds)][1], color=dark, ls="--", lw=1)
ax.text(4, 0.9, "error left", color=olive)
ax.text(1.2, 0.08, "accuracy", color=dark)
ax.text(12, 0.73, "accuracy, larger start", color=dark)
ax.set(ylim=(0, 1.02), xlabel="time (1 / largest variance)", title="The error falls early, the digit comes late")
plt.show()

# %% [markdown]
# *Follow the two solid lines.* The olive one is nearly done when the dark one begins to climb: who stops when the loss looks flat stops before the digit. The dashed line is the larger start. It half sees the digit in
# the *untrained* encoder, which is a rotation of all pixels, only smaller; still, the rest comes last.
#
# **Same error, different perception.** If the digit costs so little error, it should be cheap to *ask* for it: (4) with $K = 16$ and ever smaller $\lambda$. The control asks for nonsense, labels
# shuffled among the images.

# %%
weights = [1, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.001]
asked, nonsense = np.zeros((2, len(seeds), 1 + len(weights), 2))
for i, (X_seed, y_seed) in enumerate(worlds["smooth"]):
    pixels, labels = X_seed[:n], np.eye(10)[y_seed[:n]]
    for road, wanted in ((asked, labels), (nonsense, rng.permutation(labels))):
        encoders = [denoiser(pixels, 16)]
        encoders += [joint_encoder(pixels, wanted, 16, lam=lam).V for lam in weights]
        left = [evaluation.null_projection_residual(pixels @ V, pixels) for V in encoders]
        road[i, :, 0] = np.square(left) / np.sum(pixels**2)
        road[i, :, 1] = [accuracy(X_seed @ V, y_seed) for V in encoders]
little, more = 1 + weights.index(0.1), 1 + weights.index(0.01)
change, wasted = asked - asked[:, :1], (nonsense - nonsense[:, :1])[:, :, 1].max(axis=1)
error, gained = asked[:, more, 0], change[:, :, 1]
extra, gained_little, gained_more = change[:, little, 0], gained[:, little], gained[:, more]
ch.measure("same-error", little_error=extra, little_gain=gained_little, more_error=error, more_gain=gained_more)
ch.measure("shuffled-labels", gain=wasted)

# %%
fig, ax = plt.subplots(figsize=(6.8, 3.3), layout="constrained")
ax.plot(*asked.mean(axis=0).T, "o-", ms=4, color=dark)
ax.plot(*nonsense.mean(axis=0).T, "o-", ms=4, color=cb.color("random"))
for k, name in ((0, "PCA"), (little, "λ = 0.1"), (more, "λ = 0.01")):
    ax.annotate(name, asked[:, k].mean(axis=0), (8, -12), textcoords="offset points")
ax.plot(*asked[:, 0].mean(axis=0), "o", ms=9, color=olive)
ax.text(0.05, 0.5, "asked for the labels", color=dark)
ax.text(0.05, 0.12, "asked for shuffled labels", color=cb.color("random"))
ax.set(ylim=(0, 0.95), xlabel="share of the variance not reconstructed", ylabel="accuracy of a linear probe")
ax.set_title("The same error, two kinds of features")
plt.show()

# %% [markdown]
# *Compare the two lines at any error.* Both are encoders of sixteen features, and both reconstruct equally well. Where 6.5 % of the variance are lost, one reads four digits of five, the other one in five, and the reconstruction loss cannot tell them apart.
#
# **Masks.** Does denoising help without labels? Beside the smooth background take another nuisance: forty *hot pixels*, the same in all images, with independent unit noise. Law (3) predicts that masks demote these and not the
# background, while Gaussian noise does nothing to either.

# %%
ratios, features = [0, 0.1, 0.3, 0.5, 0.75, 0.9], [4, 8, 16, 32, 64]


def scores(kind, **noise):
    """Accuracy of the first K features of a denoiser, for each seed and each K."""
    table = []
    for X, y in worlds[kind]:
        V = denoiser(X[:n], 64, **noise)
        table.append([accuracy(X @ V[:, :K], y) for K in features])
    return np.array(table)


by_mask = {}
for kind, patch in product(worlds, (1, 2, 7)):
    by_mask[kind, patch] = np.array([scores(kind, p=p, patch=patch) for p in ratios])
hot, smooth = by_mask["hot", 1][:, :, 2], by_mask["smooth", 2][:, :, 2]
noisy = [abs(scores("hot", sigma=sigma)[:, 2] - hot[0]).max() for sigma in (0.5, 2)]
rise, helps = np.diff(hot, axis=0).min(axis=0), (smooth[1:] - smooth[0]).max(axis=0)
ch.measure("masks-against-hot-pixels", gain=hot[-1] - hot[0], rise=rise)

# %%
ch.measure("gaussian-does-nothing", change=noisy)
ch.measure("masks-not-smooth", gain=helps)

# %%
fig, axes = plt.subplots(2, 2, figsize=(8.6, 4.4), height_ratios=[2, 1], layout="constrained")
for ax, kind, title in zip(axes[0], ("hot", "smooth"), ("Hot pixels", "Smooth background"), strict=True):
    for patch in (1, 2, 7):
        curve = by_mask[kind, patch][:, :, 2].mean(axis=1)
        ax.plot(ratios, curve, "o-", ms=4, lw=1.5, color=rose)
    ax.axhline(curve[0], color=olive)
    ax.set(xlim=(0, 1.03), ylim=(0, 0.75), xlabel="share of masked patches, p", title=title)
axes[0, 0].text(0.57, 0.63, "1 × 1", color=rose)
axes[0, 0].text(0.75, 0.44, "7 × 7", color=rose)
axes[0, 1].text(0.75, 0.1, "2 × 2", color=rose)
axes[0, 0].text(0.3, 0.2, "PCA, and any Gaussian noise", color=olive)
axes[0, 0].set_ylabel("accuracy, 16 features")
X_hot = worlds["hot"][0][0][:n]
for ax, p, title in zip(axes[1], (0, 0.9), ("Hot pixels: what PCA paints", "... and masks, p = 0.9"), strict=True):
    paints = (X_hot.T @ X_hot @ denoiser(X_hot, 16, p=p)).T
    paints = paints / abs(paints).max(axis=1, keepdims=True)
    cb.plots.image_grid(ax, paints.reshape(16, 14, 14), columns=8)
    ax.set_title(title)
plt.show()

# %% [markdown]
# *Compare the rose lines with the olive one, then the two rows of pictures*, the covariances of the sixteen features with the pixels. PCA spends them on single pixels, expensive because nothing predicts them; masks find
# strokes. On the smooth background masks do not help, as nothing is more predictable than a smooth field, and patches of 2 × 2 do harm: they hide the narrow stroke as a whole.
#
# ## Play
#
# **Where is the cut?** `left` is the share of the variance that the top part leaves. The numbers are accuracies. Drag it to the end: only then do the digits move from the last row up into the middle one.


# %%
def draw_cut(fig, left):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.18, right=0.99, bottom=0.01, top=0.88)
    basis, _ = pca_split(X[:n], 1 - left)
    top, rest = cuts["smooth"][0, :, lost.index(left)]
    strips(ax, basis, ("image", f"top: {top:.2f}", f"rest: {rest:.2f}"))
    ax.set_title(f"{basis.shape[1]} directions of 196, and accuracies")


cb.explore(draw_cut, figsize=(7.8, 3), left=SelectionSlider(options=lost, value=0.1))

# %% [markdown]
# **How loud is the background?** How much of the task do the first $K$ features keep? With $P_K$ and $P$ the projectors on the columns of $X [v_1 \dots v_K]$ and of $X$, the **alignment** is
# $a_K = \|P_K Y\|_F^2 / \|P Y\|_F^2$. Here it is for PCA and eight amplitudes (grey: the others). In a quiet world reconstruction and perception agree from the first feature on. A loud background comes first;
# it has sixteen modes, and just past them all amplitudes agree again.

# %%
amplitudes, alignments = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2], []
for amp in amplitudes:
    X_amp, _ = digits(ch.seed, data.smooth_background(n + 2000, 14, amp=amp, seed=ch.seed))
    alignments.append(task_alignment(X_amp[:n], Y, denoiser(X_amp[:n], 64)))


def draw_amplitude(fig, amplitude):
    ax, here = fig.subplots(), alignments[amplitudes.index(amplitude)]
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.17, top=0.87)
    ax.plot(np.arange(1, 65), np.transpose(alignments), color="#d5d9de", lw=1)
    ax.plot(np.arange(1, 65), here, color=olive)
    ax.set(ylim=(0, 1), xticks=[1, 8, 16, 32, 64], xlabel="features K", ylabel="alignment with the labels")
    ax.set_title(f"8 features keep {here[7]:.0%} of the task, 16 keep {here[15]:.0%}")


cb.explore(draw_amplitude, amplitude=SelectionSlider(options=amplitudes, value=0.3))

# %% [markdown]
# **Which mask?** Move the side of the `patch` and `p` on each of three kinds of `images`. Olive is PCA. On hot pixels every mask helps, small patches most, until $K = 64$ has room for the forty pixels *and* the digit. On
# the other two no mask gains more than a hundredth or two. There is no best mask without a data set.

# %%
lottery = np.random.default_rng(ch.seed).random((6, 14, 14))


def draw_masks(fig, images, patch, p):
    pictures, curves = fig.subplots(1, 2, width_ratios=[1, 1.6])
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.17, top=0.87, wspace=0.22)
    kept = lottery[:, ::patch, ::patch].repeat(patch, axis=1).repeat(patch, axis=2) > p
    cb.plots.image_grid(pictures, kept * worlds[images][0][0][n : n + 6].reshape(-1, 14, 14), columns=2)
    curves.plot(by_mask[images, patch][0, 0], color=olive)
    curves.plot(by_mask[images, patch][ratios.index(p), 0], "o-", color=rose)
    curves.set(xticks=range(5), xticklabels=features, ylim=(0, 0.95), xlabel="features K", ylabel="accuracy")
    curves.set_title(f"16 features: {by_mask[images, patch][ratios.index(p), 0, 2]:.2f}")


kinds = SelectionSlider(options=["plain", "smooth", "hot"], value="hot")
sides, shares = SelectionSlider(options=[1, 2, 7]), SelectionSlider(options=ratios[1:], value=0.75)
cb.explore(draw_masks, images=kinds, patch=sides, p=shares)

# %% [markdown]
# ## What breaks
#
# - **Linear encoders, linear probes.** The equations end there. The paper's 45 and 55 % are of deep classifiers on projected images; a nonlinear encoder may find the digit earlier, or never.
# - **The nuisances are ours.** Hot pixels were made for masks, smooth fields against them: the benefit of a mask is a property of the data. And one line of preprocessing undid the result on photographs.
# - **The probe's ridge matters.** Without one, or on features standardised one by one, a probe reads the digit off the untrained encoder: "learned last" is about what is large enough to be used. And (5) needs a
#   small balanced start.
# - **Ties.** Hot pixels have nearly equal variances, so the subspace at the cut is arbitrary: compare accuracies there, not angles. At $\lambda = 0$ all features beyond the nine of the labels are arbitrary too.
#
# ## Before and after
#
# [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) kept the smoothest directions of a graph; reconstruction keeps the largest of the pixels. [Pairwise independence](../07_pairwise_independence/pairwise_independence.ipynb), just before, is about features of joint
# embeddings. The next chapter, [joint embedding vs reconstruction](../09_joint_embedding_vs_reconstruction/joint_embedding_vs_reconstruction.ipynb), puts both into the equations used here, and derives which one wins and what an augmentation must know; exercise 3 is its first step.
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Prove that Gaussian noise keeps the order of the scores: $w = l^2 / (l + c)$ grows with $l > 0$ for every $c \ge 0$.
#
# <details><summary>Hint</summary>Take the derivative with respect to $l$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 15 min. What happens to an isolated pixel of variance 1 as $p \to 1$? And to its rank against a direction of variance 0.1 on 100 pixels?
#
# <details><summary>Hint</summary>Put $m = 1$ and $m = 100$ into (3), and keep the leading term in $1 - p$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 30 min. Masks cannot remove the smooth background. Design a noise that can, and test it with `spectral.additive_moments`.
#
# <details><summary>Hint</summary>Which term of (1) holds the covariance of the noise? Where should that covariance be large?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Which additive noises change nothing, for any task? Try covariances that are powers of $S$.
#
# <details><summary>Hint</summary>If $S$ has the eigenvalue $l$ and the noise $c\, l^q$, what is the score? For which $q$ does it grow with $l$, whatever $c$ is?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero, Y. LeCun. [How Learning by Reconstruction Produces Uninformative Features For Perception](https://arxiv.org/abs/2402.11337). *ICML*, 2024.
# - P. Baldi, K. Hornik. Neural networks and principal component analysis, 1989. A. Saxe et al. [Exact solutions to the nonlinear dynamics of learning in deep linear neural networks](https://arxiv.org/abs/1312.6120), 2014.
# - P. Vincent et al. Stacked denoising autoencoders, 2010. C. M. Bishop. Training with noise is equivalent to Tikhonov regularization, 1995. K. He et al. [Masked autoencoders](https://arxiv.org/abs/2111.06377), 2022.
# - A. Bisulco et al., on linear masked auto-encoders and spatial correlations: [arXiv 2508.15404](https://arxiv.org/abs/2508.15404), 2025. H. Van Assel et al. [Joint-Embedding vs Reconstruction](https://arxiv.org/abs/2505.12477), 2025.

# %%
ch.footer()
