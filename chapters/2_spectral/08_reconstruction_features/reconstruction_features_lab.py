# %% [markdown]
# # Learning by reconstruction: lab
#
# The [lesson](reconstruction_features.ipynb) found a queue of directions, from which training time and features buy the front. Here is the rest, in sections that do not need each other: where to cut, photographs, other starts and other probes, the equation behind the scores, how much the labels should weigh, every mask on every kind of images, and how loud a background must be.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from itertools import product

import numpy as np
import torch
from ipywidgets import SelectionSlider

import cookbook as cb
from replearn import data, evaluation, spectral
from replearn.papers import reconstruction_features as world

ch = cb.Chapter("reconstruction_features_lab", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)
n = ch.pick(fast=1200, toy=4000)

# %%
x, y = world.noisy_digits(n, waves=16, seed=ch.seed)  # n rows to learn from, 2000 new ones behind them
x_plain, _ = world.noisy_digits(n, waves=0, seed=ch.seed)
x_hot, _ = world.noisy_digits(n, waves=0, hot=40, seed=ch.seed)


def accuracy(encoder, x):
    z = x @ encoder
    z = z / z[:n].std()
    return evaluation.ridge_probe(z[:n], y[:n], z[n:], y[n:], standardize=False)


# %% [markdown]
# ## A · Where to cut?
#
# The lesson cut the variance at 90 % from the top and at 20 % from the bottom, as the paper does. Cut everywhere: the top part leaves at most a given share of the variance, and the rest is everything else.
#
# *Guess first:* how little variance can the rest hold and still know the digit?

# %%
lost = [0.5, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.001]


def cut_everywhere(x):
    found = {}
    for left in lost:
        top, _ = world.pca_split(x[:n], 1 - left)
        rest, _ = world.pca_split(x[:n], left, part="bottom")
        found[left] = top, accuracy(top, x), accuracy(rest, x)
    return found


parts = cut_everywhere(x)
both = {"With 16 waves": parts, "Without a background": cut_everywhere(x_plain)}
ch.figures.cuts(lost, {name: np.array([cut[1:] for cut in found.values()]).T for name, found in both.items()})

# %%
cb.explore(ch.figures.cut, x[n : n + 8], parts, left=SelectionSlider(options=lost, value=0.1), figsize=(7.8, 3))

# %% [markdown]
# *Read each panel from left to right.* On backgrounds the top part stays near chance until far more than nine tenths of the variance are explained. The rest, which is all that reconstruction has *not* yet paid for, knows the digit until it holds two hundredths or so. Drag `left` to the end: only there do strokes move from the last row up into the middle one.
#
# ## B · Photographs
#
# No background of our making: grey crops of $16 \times 16$ pixels from eleven photographs, each divided by its standard deviation as the paper's code does (constant crops are left out). We project on the top 90 % of the variance or on the bottom 20 %. A probe on the means and deviations of 48 fixed random filters (`ConvRandomFeatures`) must name the photograph. Then the same, after the mean of each crop is subtracted.
#
# *Guess first:* what is the first principal direction of such crops?

# %%
photos = data.load("photos")
crops = photos.images.double().mean(dim=1).unfold(1, 16, 16).unfold(2, 16, 16).reshape(-1, 4, 256)
varied = crops.std(dim=2) > 0.01
sources = photos.labels[:, None].expand(-1, 4)[varied]
m = int(varied[: photos.n_train].sum())  # crops to train on
raw = crops[varied] / crops[varied].std(dim=1, keepdim=True)
without_mean = raw - raw.mean(dim=1, keepdim=True)
filters = world.ConvRandomFeatures(48, seed=ch.seed)


# %%
def named(crops, share, part):
    crops = (crops - crops[:m].mean(dim=0)).numpy()
    basis, explained = world.pca_split(crops[:m], share, part=part)
    z = filters(torch.tensor(crops @ basis @ basis.T).reshape(-1, 1, 16, 16).float())
    found = evaluation.ridge_probe(z[:m], sources[:m], z[m:], sources[m:])
    print(f"{part}: {basis.shape[1]} directions, {explained:.0%} of the variance, accuracy {found:.2f}")
    return found


top, bottom = named(raw, 0.9, "top"), named(raw, 0.2, "bottom")
ch.measure("photographs", gain=bottom - top)
top, bottom = named(without_mean, 0.9, "top"), named(without_mean, 0.2, "bottom")
ch.measure("brightness-explains-it", gain=bottom - top)

# %% [markdown]
# **What you saw.** An effect, and an honest negative. One direction, the brightness of the crop, carries 99 % of the variance, and it does not name a photograph well: one number against 255. Subtract each crop's mean first, and the effect is gone. Our photographs say "brightness explains pixels" and no more. The paper's figures for TinyImagenet come from its own preprocessing and deep classifiers.

# %% [markdown]
# ## C · Another start, another probe
#
# "Learned last" depends on two choices. The start was $g_0 = 10^{-6}$; what if the weights start ten times larger, so that the gain is $10^{-4}$? And the probe rescaled nothing and had a ridge of $10^{-4}$; what if the ridge is a hundred times weaker, or if it divides every feature by its own standard deviation?
#
# *Guess first:* what does such a probe read from the untrained encoder, which is a rotation of all pixels, only smaller?

# %%
l, w = world.principal_directions(x[:n])
clock = np.geomspace(1, 1e5, 20)  # in units of 1 / l_1


def read(gain, ridge=1e-4, standardize=False):
    z = x @ w * np.sqrt(gain)
    return evaluation.ridge_probe(z[:n], y[:n], z[n:], y[n:], lam=ridge, standardize=standardize)


def course(start, ridge=1e-4):
    gains = world.linear_autoencoder_flow(l / l[0], clock, start)
    errors = (1 - gains) ** 2 @ l / l.sum()
    return errors, np.array([read(gain, ridge) for gain in gains])


# %%
runs = {"as in the lesson": course(1e-6), "larger start": course(1e-4), "weaker ridge": course(1e-6, ridge=1e-6)}
rescaled, weak_ridge = read(1e-6, standardize=True), read(1e-4, ridge=1e-6)  # untrained
errors, reads = runs["larger start"]
when = np.log(clock)
rebuilt = np.interp(-0.1, -errors, when)  # when the error falls to 10 %, between the points of the clock
legible = np.interp(0.95 * reads[-1], np.maximum.accumulate(reads), when)
early = np.interp(rebuilt, when, reads)
print(f"larger start: at 10 % error {early:.2f}, at the end {reads[-1]:.2f}")
ch.measure("larger-start", ratio=np.exp(legible - rebuilt), missing=reads[-1] - early)
ch.measure("standardised-untrained", rescaled=rescaled, weak_ridge=weak_ridge)
ch.figures.starts(clock, runs, rescaled)

# %% [markdown]
# **What you saw.** From the larger start, or with a ridge a hundred times weaker, the probe reads most digits from the *untrained* encoder; still, the rest comes last. With both there is nothing left to wait for, nor with standardised features (dashed): whatever the gains are, the probe divides them out. So the law says when a direction becomes *large*. "Late" matters for whatever prefers large features, such as a probe whose ridge exceeds the gain times the variance, a nearest neighbour, or a network that is fine-tuned for a short while.
#
# ## D · Where the scores come from
#
# The encoder sees a view $v$ of the image $x$; the loss is $\mathbb E \|x - W_{\mathrm{dec}}^\top W^\top v\|^2$. Multiply out, with $C = \mathbb E[v v^\top]$ and $Q = \mathbb E[v x^\top]$:
#
# $$ \mathcal L = \mathbb E \|x\|^2 - 2 \operatorname{tr}(W_{\mathrm{dec}}^\top W^\top Q) + \operatorname{tr}(W_{\mathrm{dec}}^\top\, W^\top C W\, W_{\mathrm{dec}}) . \tag{L1} $$
#
# For a given encoder this is least when $W_{\mathrm{dec}} = (W^\top C W)^{-1} W^\top Q$, which leaves $\mathbb E \|x\|^2 - \operatorname{tr}[(W^\top C W)^{-1}\, W^\top Q Q^\top W]$. The trace does not change if $W$ is multiplied by an invertible matrix, so let $W^\top C W = I$. It is largest for the top solutions of
#
# $$ Q Q^\top w_k = \mu_k\, C\, w_k , \qquad \mathcal L^\star = \mathbb E \|x\|^2 - \sum_{k \le K} \mu_k . \tag{L2} $$

# %% [markdown]
# For masks that hide each *patch* of pixels with probability $h$, $Q = (1 - h)\, \Sigma$, and $C$ is $\Sigma$ times, entry by entry, the probability $B$ that two pixels survive together: $1 - h$ within a patch, $(1 - h)^2$ otherwise.
#
# **Labels and pixels** (the lesson's (3)) are a case of this, without damage: the decoder must give the vector $[\, y, \sqrt{\mathrm{pix}}\; x \,]$, so $C = \Sigma$ and $Q Q^\top = \mathbb E[x y^\top]\, \mathbb E[y x^\top] + \mathrm{pix}\, \Sigma^2$.
#
# Is (L2) where descent goes? L-BFGS minimises (L1) over encoder and decoder from random numbers, on the middle $4 \times 4$ pixels with patches of $2 \times 2$, $h = 1/2$ and $K = 4$.

# %%
patch = x[:n].reshape(n, 14, 14)[:, 5:9, 5:9].reshape(n, 16)
moments = spectral.mask_moments(patch, 0.5, (4, 4), (2, 2))
C, Q = torch.tensor(moments.C), torch.tensor(moments.C_clean.T)
size = np.mean(np.sum(patch**2, axis=1))


def loss(both):
    encoder, decoder = both[:16], both[16:].T
    saved = torch.trace(encoder.T @ Q @ decoder.T)
    return size - 2 * saved + torch.trace(decoder.T @ encoder.T @ C @ encoder @ decoder)


# %%
run = spectral.minimize_embedding(loss, 32, 4, seed=ch.seed)
exact = spectral.reduced_rank_regression(moments.C_clean, moments.C, 4)
off = abs(run.losses[-1] / (size - np.sum(exact.phi[:4] ** 2)) - 1)
overlap = spectral.subspace_overlap(patch @ run.Z[:16], patch @ exact.V)
ch.measure("descent-agrees", loss=off, turned=1 - overlap)

# %% [markdown]
# **What you saw.** Descent arrives. (That the two moments are those of real masks, that law (5) of the lesson follows from (L2), and that `joint_encoder` is where descent on labels and pixels ends, are unit tests.)
#
# ## E · How much should the labels weigh?
#
# The lesson asked for labels with $\mathrm{pix} = 0.1$. Here are nine weights from 1 down to 0.001, for labels and for shuffled labels. Each point is an encoder.
#
# *Guess first:* with 16 features, what is the price in error for an accuracy like that of all pixels?

# %%
weights = [1, 0.3, 0.1, 0.05, 0.03, 0.02, 0.01, 0.003, 0.001]


def judge(encoder):
    return world.reconstruction_error(x[:n], encoder), accuracy(encoder, x)


wanted = {"labels": y[:n], "shuffled labels": rng.permutation(y[:n])}
found = {}
for name, labels in wanted.items():
    encoders = [w] + [world.joint_encoder(x[:n], np.eye(10)[labels], 64, lam=pix).V for pix in weights]
    for K in (8, 16, 24):
        found[name, K] = [judge(encoder[:, :K]) for encoder in encoders]

# %%
error, read = found["labels", 16][1 + weights.index(0.01)]
everything = accuracy(np.eye(196), x)
print(f"16 features, pix = 0.01: error {error:.3f}, accuracy {read:.2f}; all pixels {everything:.2f}")
ch.measure("more-labels", gap=everything - read, error=error)

# %%
cb.explore(ch.figures.roads, found, K=SelectionSlider(options=[8, 16, 24], value=16))

# %% [markdown]
# *Compare the two lines at any error.* Both are encoders with the same number of features which rebuild equally well. **Drag `K`.** **What you saw.** With 16 features a weight of 0.01 brings nearly all of the digit, for an error that is more than twice that of PCA. With 8 features the digit is dear, as every feature that is spent on it gives up a loud wave. With 24 it is nearly free.
#
# > **Check yourself.** Why does the grey line not rise at $K = 16$, and fall at $K = 24$?

# %% [markdown]
# ## F · Which mask, for which data?
#
# Masks of single pixels helped against hot pixels. Now every combination: three kinds of images, patches of side 1, 2 and 7, and three shares $h$. The encoders are exact, by (L2). The overlap is that of the lesson, between features.
#
# *Guess first:* on the smooth background, how far do masks turn the features? Which patch helps most?

# %%
kinds, dims, shares = {"hot": x_hot, "smooth": x, "plain": x_plain}, [4, 8, 16, 32, 64], [0.3, 0.6, 0.9]


def masked_encoder(x, h, patch):
    moments = spectral.mask_moments(x[:n], h, (14, 14), (patch, patch))
    return spectral.reduced_rank_regression(moments.C_clean, moments.C, 64).V


# %%
trained = {}
for kind, side, h in product(kinds, (1, 2, 7), shares):
    trained[kind, side, h] = masked_encoder(kinds[kind], h, side)
for kind, side in product(kinds, (1, 2, 7)):
    trained[kind, side, 0] = masked_encoder(kinds[kind], 0, 1)  # PCA

# %%
table = {at: [accuracy(encoder[:, :K], kinds[at[0]]) for K in dims] for at, encoder in trained.items()}
pca = x[:n] @ trained["smooth", 1, 0][:, :16]
overlaps = [
    spectral.subspace_overlap(pca, x[:n] @ trained["smooth", side, h][:, :16]) for side, h in product((1, 2, 7), shares)
]
best = max(table["smooth", side, h][2] for side, h in product((1, 2, 7), shares))
print(
    f"smooth: overlap {min(overlaps):.2f} to {max(overlaps):.2f}; PCA {table['smooth', 1, 0][2]:.2f}, best mask {best:.2f}"
)
weights = [trained["smooth", side, h][:, :16] for side, h in ((1, 0), (2, 0.6))]
print(f"overlap of the weights of PCA and of masks of 2 × 2: {spectral.subspace_overlap(*weights):.2f}")
ch.measure("masks-not-smooth", turned=1 - min(overlaps), gain=best - table["smooth", 1, 0][2])

# %%
examples = {kind: x[n : n + 6].reshape(-1, 14, 14) for kind, x in kinds.items()}
sliders = {"data": list(kinds), "patch": SelectionSlider(options=[1, 2, 7], value=1)}
sliders["hide"] = SelectionSlider(options=shares, value=0.6)
cb.explore(ch.figures.masks, table, dims, examples, rng.random((6, 14, 14)), **sliders)

# %% [markdown]
# **What you saw.** On hot pixels every mask helps, small patches most, until 64 features have room for forty pixels *and* the digit. On the smooth background nothing is easier to predict from elsewhere than the background, so the front of the queue stays. Patches of $2 \times 2$ and $7 \times 7$ do a little harm, those of $2 \times 2$ more. (Beware of comparing *weights*, as the last number printed does: they turn almost wholly, but in directions of almost no variance.) There is no best mask without a data set.

# %% [markdown]
# ## G · How loud?
#
# What a linear fit can explain of the labels from the first $K$ features, divided by what it explains from all pixels, is the share of the digit that they keep: `task_alignment`. (The paper's code prints its square root.)
#
# *Guess first:* the background's amplitude falls to a tenth. How much of the digit do eight features of PCA keep then?

# %%
amplitudes = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2]
kept = {}
for amplitude in amplitudes:
    x_amp = world.noisy_digits(n, amp=amplitude, seed=ch.seed)[0][:n]
    _, directions = world.principal_directions(x_amp)
    kept[amplitude] = world.task_alignment(x_amp, np.eye(10)[y[:n]], directions[:, :64])
print("kept by 8 features:", *[f"{amplitude}: {share[7]:.2f} " for amplitude, share in kept.items()])
ch.measure("loudness", quiet=kept[0][7], loud=kept[1][7])

# %%
cb.explore(ch.figures.alignment, kept, amplitude=SelectionSlider(options=amplitudes, value=0.3))

# %% [markdown]
# **What you saw.** Grey are the other amplitudes. In a quiet world the first features already keep some of the digit. A loud background comes first; past its sixteen waves the curves come near each other again.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 15 min. Set $\mathrm{pix} = 0$ in section D. How many features are determined, and what can be said of the others?
#
# <details><summary>Hint</summary>What is the rank of $\mathbb E[x y^\top]$, if $y$ is centred?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●○○ 15 min. Make the background three times as loud (`amp=3` in `noisy_digits`). Does the digit come later? Count time in units of $1/l_1$, and then in those of the old $1/l_1$.
#
# <details><summary>Hint</summary>On which variance does the time of a direction depend? What happens to the unit?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●○ 35 min. The law needs a decoder that starts as the encoder's transpose, and room for all directions. Give descent 4 features for the 16 pixels of section D, small random weights, and an encoder and a decoder that have nothing to do with each other. Does the queue hold? Where does it end?
#
# <details><summary>Hint</summary>Watch `diag(directions.T @ encoder @ decoder @ directions)`. What happens to $\mathrm{enc}^2 - \mathrm{dec}^2$ in the lesson's two equations?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●○ 40 min. Which additive noises change nothing, for any task? Try covariances that are powers of $\Sigma$.
#
# <details><summary>Hint</summary>If $\Sigma$ has the eigenvalue $l$ and the noise $c\, l^q$, what is the score? For which $q$ does it grow with $l$, whatever $c$ is?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L5** ●●● 80 min. Leave the linear world. Train an auto-encoder with one hidden ReLU layer on either side and 64 features on the smooth backgrounds. Does the digit still come last? Measure error and accuracy along the way, from the untrained network on.
#
# <details><summary>Hint</summary>Evaluate at 1, 3, 10, 30, ... steps, with the probe of section C that does not rescale and with the one that does.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Balestriero, Y. LeCun. [How Learning by Reconstruction Produces Uninformative Features For Perception](https://arxiv.org/abs/2402.11337). *ICML*, 2024.
# - K. He et al. [Masked autoencoders are scalable vision learners](https://arxiv.org/abs/2111.06377), 2022. A. Bisulco et al., on linear masked auto-encoders and spatial correlations: [arXiv 2508.15404](https://arxiv.org/abs/2508.15404), 2025. H. Van Assel et al. [Joint-Embedding vs Reconstruction](https://arxiv.org/abs/2505.12477), 2025.
