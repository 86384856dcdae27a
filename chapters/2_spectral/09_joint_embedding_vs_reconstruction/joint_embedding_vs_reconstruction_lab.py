# %% [markdown]
# # Joint embedding vs reconstruction: lab
#
# For those who want more: the closed forms for any augmentation, tried on masks; what more samples and what labels do; and two choices on which the result on digits hangs, the dimension of the embedding and the units. Sections stand alone. Equation numbers go on from the [lesson](joint_embedding_vs_reconstruction.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
from ipywidgets import SelectionSlider

import cookbook as cb
from replearn import evaluation, spectral
from replearn.papers import joint_embedding_vs_reconstruction as world

ch = cb.Chapter("joint_embedding_vs_reconstruction_lab", scale=scale, seed=seed)
methods = ["reconstruction", "joint_embedding"]

# %% [markdown]
# ## A · Any augmentation
#
# The lesson had views $v = x + \text{noise}$ along shared axes. In general a linear method sees three matrices ($D \times D$) of its samples $x$ and of two views $v$, $v'$ of each:
#
# $$ C = E[v v^\top], \qquad C_+ = E[v v'^\top], \qquad Q = E[v x^\top] . $$
#
# The encoder is $z = W^\top v$, with $W$ ($D \times K$). **Reconstruction** adds a decoder and minimizes $E \|x - W_{\mathrm{dec}}^\top z\|^2$. An invertible matrix between the two changes nothing, so we may take $W^\top C W = I$. The best decoder is then $W_{\mathrm{dec}} = W^\top Q$, and what it leaves is
#
# $$ E \|x\|^2 - \operatorname{tr} (W^\top Q Q^\top W) . \tag{3} $$
#
# **Joint embedding** demands $W^\top C W = I$ of itself, against collapse. Expand the square of $E \|z - z'\|^2$:
#
# $$ 2 K - 2 \operatorname{tr} (W^\top C_+ W) . \tag{4} $$
#
# Both are traces to be made large under $W^\top C W = I$. So the columns $w$ of $W$ are the top solutions of
#
# $$ Q Q^\top w = \phi^2\, C w \qquad \text{or} \qquad C_+ w = \omega\, C w . \tag{5} $$
#
# With shared axes $C$, $C_+$ and $Q$ are diagonal, $C_+ = Q$ has the entries $a_i$, and (5) is (1).

# %% [markdown]
# **Masks** are no such noise: eight correlated pixels ($2 \times 4$), of which each view loses three in ten. The mean view is $0.7\, x$. *Guess first.* Is the best encoder of masked pixels PCA, which is the best without masks?
#
# We take twenty data sets of 500 samples. One encoder is made from moments in closed form, one from the views themselves, forty masks a sample; and the error of each is measured on fresh masks, each with its best decoder.


# %%
def masked(x, generator):
    return x * (generator.random(x.shape) > 0.3)


def error(encoder, X):
    fresh = np.random.default_rng(ch.seed)  # the same masks for every encoder
    views = np.concatenate([masked(X, fresh) for _ in range(40)])
    targets = np.tile(X, (40, 1))
    decoder = np.linalg.lstsq(views @ encoder, targets, rcond=None)[0]
    return np.mean(np.sum((targets - views @ encoder @ decoder) ** 2, axis=1))


# %%
def from_drawn_masks(X, generator):
    views = [masked(X, generator) for _ in range(40)]
    C = np.mean([v.T @ v for v in views], axis=0) / len(X)
    Q = np.mean([v.T @ X for v in views], axis=0) / len(X)
    return spectral.reduced_rank_regression(Q.T, C, 3).V


# %%
data = [np.random.default_rng(100 * ch.seed + s) for s in range(20)]
data = [(g.standard_normal((500, 8)) @ g.standard_normal((8, 8)), g) for g in data]
moments = [spectral.mask_moments(X, 0.3, (2, 4)) for X, _ in data]
encoders = {
    "PCA": [np.linalg.eigh(X.T @ X)[1][:, -3:] for X, _ in data],
    "from drawn masks": [from_drawn_masks(X, generator) for X, generator in data],
    "closed form": [world.linear_encoder(m, 3, paradigm="reconstruction") for m in moments],
}

# %%
losses = {name: [error(V, X) for V, (X, _) in zip(found, data, strict=True)] for name, found in encoders.items()}
best = np.array(losses.pop("closed form"))
excess = {name: 100 * (np.array(values) / best - 1) for name, values in losses.items()}
overlaps = {
    name: [spectral.subspace_overlap(*pair) for pair in zip(encoders[name], encoders["closed form"], strict=True)]
    for name in excess
}
ch.figures.turned(excess, overlaps)
ch.measure("masks-are-not-pca", overlap=np.mean(overlaps["PCA"]), excess=np.mean(excess["PCA"]))
ch.measure("drawn-masks-agree", overlap=np.mean(overlaps["from drawn masks"]))

# %% [markdown]
# **What you saw.** Masks turn the encoder, from PCA by a little: a mean $\cos^2$ of about 0.9, and an error larger by a few per cent. A mask is a *prior* on what should be restorable from what, not a revolution. The *largest* of the three angles would look more dramatic; one turned direction of three is enough for that.
#
# > **Check yourself.** What happens to (5) if the mask hides all pixels alike, $v = 0.7\, x$?

# %% [markdown]
# ## B · More samples, or labels
#
# The strong nuisance of the lesson's section 2. Each method gets an alignment in units of its own threshold (2). The rival is a regression of three targets that are linear in the signal, with noise of standard deviation 0.5. It has *no alignment at all*.
#
# *Guess first.* At $\alpha = 0$, do more samples help joint embedding? And the regression?

# %%
counts = [50, 120, 300, 700, 1500, 4000, 9000, 20_000]
factors = [0, 0.5, 0.7, 0.9, 1.1, 1.4, 2]
worlds = range(ch.seed, ch.seed + ch.pick(fast=2, toy=4))
strong = {s: world.random_variances(size=12, seed=s) for s in worlds}
signal = np.eye(20)[:, :6]


def kept(seed, N, method):
    kappa2, theta, gamma = strong[seed]
    corrupted = world.nuisance_samples(kappa2, gamma, N, seed=seed)[1]
    alphas = [factor * ch.figures.needed(strong[seed], method) for factor in factors]
    moments = [spectral.additive_moments(corrupted, theta + alpha**2 * gamma) for alpha in alphas]
    return [spectral.subspace_overlap(world.linear_encoder(m, 6, paradigm=method), signal) for m in moments]


# %%
def regression(seed, N):
    """Signal kept, and relative distance from the regression on clean data."""
    kappa2, theta, gamma = strong[seed]
    clean, corrupted = world.nuisance_samples(kappa2, gamma, N, seed=seed)
    rng = np.random.default_rng(seed + 1000)
    targets = clean[:, :6] @ rng.standard_normal((6, 3)) + 0.5 * rng.standard_normal((N, 3))
    found, wanted = (world.ridge_augmented(x, targets, np.diag(theta)) for x in [corrupted, clean])
    return spectral.subspace_overlap(found, signal), np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


# %%
curves = {m: np.array([[kept(s, N, m) for N in counts] for s in worlds]) for m in methods}  # world, N, factor
closer = [regression(s, 200)[1] / regression(s, 20_000)[1] for s in worlds]
by_labels = [regression(ch.seed, N)[0] for N in counts]
above, half = (curves["joint_embedding"][:, -1, factors.index(factor)] for factor in [1.4, 0.5])
above_rc = curves["reconstruction"][:, -1, factors.index(1.4)]
ch.measure("above-threshold", joint_embedding=above, reconstruction=above_rc)

# %%
ch.measure("samples-do-not-help", none=curves["joint_embedding"][:, -1, 0], half=half)
ch.measure("labels-need-no-alignment", closer=closer)

# %% [markdown]
# **What you saw.** Without alignment 20,000 samples leave joint embedding with next to nothing of the signal; at half its threshold it keeps a part. With labels, the distance from the clean regression falls as samples are added, for the nuisance averages out against the targets. Against *itself*, as in a view and its sample, it never does.
#
# **Drag `alignment`** from 0.7 through 1, then **`samples`** (dashed: the regression, without alignment). Grey are the other alignments. Below the threshold every curve levels off short of 1: more samples make the wrong answer certain. Well above it, a few hundred suffice.

# %%
samples, alignment = SelectionSlider(options=counts, value=1500), SelectionSlider(options=factors, value=0.7)
one = {method: curves[method][0] for method in methods}
cb.explore(ch.figures.samples, one, counts, factors, by_labels, samples=samples, alignment=alignment, figsize=(7.2, 3))

# %% [markdown]
# > **Check yourself.** At 0.9 times the threshold the curve of joint embedding does not fall to 0. Why not?

# %% [markdown]
# ## C · How much of the result hangs on $K$?
#
# The lesson's digits, strong nuisance, $\alpha = 1$: joint embedding led by more than eight points with $K = 50$, the number of signals. That the theorem needs. In practice nobody knows the number. *Guess first.* What becomes of the lead with $K = 30$? With $K = 80$, of 100 columns?

# %%
n = ch.pick(fast=1500, toy=4000)
draws = range(ch.seed, ch.seed + ch.pick(fast=2, toy=3))
digits = [world.digits_with_nuisance(1e6, n=n, seed=s) for s in draws]
moments = [spectral.additive_moments(d.corrupted[:n], d.theta + d.gamma) for d in digits]


def accuracy(z, labels):
    return evaluation.ridge_probe(z[:n], labels[:n], z[n:], labels[n:], lam=1e-6)


def probe(encoder, d):
    return accuracy(d.corrupted @ encoder, d.labels)


# %%
dims = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
read = {}
for method in methods:
    scores = [
        [probe(world.linear_encoder(m, K, paradigm=method), d) for m, d in zip(moments, digits, strict=True)]
        for K in dims
    ]
    read[method] = np.mean(scores, axis=1)
lead = dict(zip(dims, read["joint_embedding"] - read["reconstruction"], strict=True))
clean = np.mean([accuracy(d.clean[:, :50], d.labels) for d in digits])
ch.measure("room-decides", thirty=lead[30], eighty=lead[80])

# %% [markdown]
# **Drag `K`.** With less room than signals the lead is larger, with more it melts; with all 100 dimensions both are the same invertible map, up to a change of basis.

# %%
cb.explore(ch.figures.room, read, dims, clean, K=SelectionSlider(options=dims, value=50), figsize=(7.2, 3.2))

# %% [markdown]
# **What you saw.** The theorem's all or nothing is a matter of *room*. What an embedding with room to spare keeps besides the signal, a probe with 1,500 labels or more can ignore.

# %% [markdown]
# ## D · How much hangs on the units?
#
# By (1) reconstruction ranks by $a_i\, \omega_i$, and $a_i$ has a unit: that of the *target*, squared. Give each column of the target the variance 1 and leave the input as it is. Then keeping a direction saves $\omega_i$ (exercise 4 of the lesson): joint embedding's score. *Guess first.* How much of the lead at $K = 50$ is left?


# %%
def unit_targets(m):
    deviation = np.sqrt(np.diag(m.C_clean))  # here C_clean is the covariance of the samples
    return spectral.reduced_rank_regression(m.C_clean / deviation[:, None], m.C, 50).V


makers = {
    "reconstruction": lambda m: world.linear_encoder(m, 50, paradigm="reconstruction"),
    "unit targets": unit_targets,
    "joint embedding": lambda m: world.linear_encoder(m, 50),
}
by_units = {
    name: np.array([probe(make(m), d) for m, d in zip(moments, digits, strict=True)]) for name, make in makers.items()
}
ch.figures.units(by_units, clean)

# %%
unit = by_units["unit targets"].mean()
gain, left = unit - by_units["reconstruction"].mean(), by_units["joint embedding"].mean() - unit
ch.measure("units-decide", gain=gain, left=left)

# %% [markdown]
# **What you saw.** Standardized targets close most of the gap. So the weakness is not reconstruction as such, but a loss that pays by variance. Here each nuisance sits in a column of its own; with a nuisance mixed into all pixels one would have to whiten, and would also enlarge whatever noise has little variance. Joint embedding does the latter anyway.
#
# > **Check yourself.** Standardize the *inputs* and the views as well. Does that change anything more?
#
# ## Claims of the lab

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **L1** ●●○ 30 min. An augmentation with noise of mean 0 and covariance $S$, independent of $x$, is a ridge: show that $E \|y - W^\top v\|^2 = E \|y - W^\top x\|^2 + \operatorname{tr}(W^\top S W)$, and check it with drawn noise.
#
# <details><summary>Hint</summary>Put v = x + noise in and look at the cross term.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●● 60 min. Turn one nuisance direction towards a signal, so that the covariances no longer share their axes. Does the threshold still tell when joint embedding avoids the nuisance?
#
# <details><summary>Hint</summary>Which directions are free of the nuisance? Are they those of the signal?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
