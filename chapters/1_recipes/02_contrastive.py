# ---
# jupyter:
#   cookbook:
#     title: Contrastive learning
#     promise: Write the contrastive losses from memory, choose their temperature with reasons, and know when more negatives or a queue of old keys can help.
#     papers: [balestriero2023cookbook]
#     needs: [two_views]
#     minutes: 30
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Contrastive learning
#
# After this chapter you can write the contrastive losses from memory, choose their temperature with reasons, and say when more negatives or a queue of old keys can help.

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import IntSlider, SelectionSlider
from scipy import special, stats
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import losses, methods, recipes, spectral, training
from replearn.descent import minimize
from replearn.papers.contrastive import gaussian_critic, gaussian_pair, infonce_mi_bound, key_freshness

ch = cb.Chapter("contrastive", scale=scale, seed=seed)
digits = recipes.tiny_mnist()

# %% [markdown]
# ## The question
#
# Here is a crop of a handwritten digit and a line-up of twelve others, one of them cut from the same image. Which one? You need no label to set this puzzle, and none to mark it. A
# network that solves it for every image has to know what makes an image that image.

# %%
generator = torch.Generator().manual_seed(ch.seed)
view_a, view_b = (recipes.tiny_crop(digits.x_train[:12], generator) for _ in range(2))
cosines = F.cosine_similarity(view_a[:1].flatten(1), view_b.flatten(1))
titles = ["crop", *(f"{chance:.0%}" for chance in (cosines / 0.2).softmax(0))]
fig, ax = plt.subplots(figsize=(8.6, 1.6), layout="constrained")
cb.plots.image_grid(ax, torch.cat([view_a[:1], view_b])[:, 0], columns=13, gap=4, titles=titles)
ax.set_title("The first crop and its line-up: who is its partner?", pad=26)
plt.show()

# %% [markdown]
# *Look at the percentages.* The partner is the first of the twelve. The numbers are a softmax of the cosines of raw pixels: what you could bet without having learned anything. A
# contrastive loss moves all of that chance onto the partner, the **positive**. The other
# eleven are **negatives**. Nobody chose them: they are the rest of the batch, and some may well show the same digit.
#
# ## The mathematics
#
# **Before the softmax** there was metric learning. With embeddings $a$ (anchor), $p$ (positive) and $n$ (negative), the *pair loss* (Hadsell et al., 2006) is $\|a - p\|^2$ for a
# positive and $\max(0, m - \|a - n\|)^2$ for a negative; the *triplet loss* (Schroff et
# al., 2015) is $\max(0, m + \|a - p\|^2 - \|a - n\|^2)$. The margin $m > 0$ says how far is far enough, and one must search for negatives that still hurt. A softmax does both.
#
# **NT-Xent**, the loss of SimCLR (Chen et al., 2020). A batch of $B$ images gives $2B$ views with embeddings $z_1, \dots, z_{2B}$ in $\mathbb{R}^K$. Let $\hat z = z / \|z\|$, let
# $s_{ij} = \hat z_i^\top \hat z_j$ be the cosines, $i^+$ the partner of $i$, and $\tau > 0$ the **temperature**:
#
# $$ L = \frac{1}{2B} \sum_i - \log \frac{e^{s_{i i^+} / \tau}}{\sum_{k \ne i} e^{s_{ik} / \tau}} . \tag{1} $$
#
# This is the cross-entropy of a classifier with $2B - 1$ classes: who of all the others is my partner? **InfoNCE** (van den Oord et al., 2018) asks the same of *queries* $q_i$
# against *keys* $k_j$, with scores $q_i^\top k_j / \tau$ and the diagonal as target; queries
# do not see each other. **DCL** leaves the positive out of the denominator. **SupCon** knows labels, has many positives for each view, and averages their log-probabilities.
#
# **Its gradient.** Let $p_j$ be the probability that the softmax gives to key $j$, and $k_+$ the positive key. Then
#
# $$ \frac{\partial L}{\partial q} = \frac1\tau \Big( \sum_j p_j k_j - k_+ \Big), \qquad \frac{\partial L}{\partial z} = \frac{1}{\|z\|} (I - \hat z \hat z^\top) \frac{\partial L}{\partial \hat z} . \tag{2} $$
#
# In words: go towards the positive, away from the mean of what you took for it. Passing through $\hat z$ removes the part along $z$ and divides by the length of $z$. A step
# orthogonal to $z$ can only lengthen it, and a long $z$ turns slowly.
#
# ## From scratch


# %%
def nt_xent(z1, z2, temperature):
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    total = 0.0
    for i in range(len(z)):
        partner = (i + len(z1)) % len(z)
        others = [k for k in range(len(z)) if k != i]
        chances = (z[others] @ z[i] / temperature).softmax(0)
        total = total - chances[others.index(partner)].log()
    return total / len(z)


z1, z2 = torch.randn(2, 32, 16, dtype=torch.float64)
scores = F.normalize(z1, dim=1) @ F.normalize(z2, dim=1).T / 0.2
assert_close(F.cross_entropy(scores, torch.arange(32)), losses.info_nce(z1, z2, temperature=0.2))
assert_close(nt_xent(z1, z2, 0.2), losses.sup_con(torch.cat([z1, z2]), torch.arange(32).repeat(2), temperature=0.2))
cb.show_source(losses.info_nce)

# %% [markdown]
# With a label of its own for each image, SupCon is NT-Xent. The library's `info_nce` adds checks and a queue; its `nt_xent` keeps the similarities in three blocks that are never
# joined, so we hold it against the double loop, and test (2) with it.

# %%
loop_error = abs(nt_xent(z1, z2, 0.2) / losses.nt_xent(z1, z2, temperature=0.2) - 1)
q, k = F.normalize(z1, dim=1).requires_grad_(), F.normalize(z2, dim=1)
losses.info_nce(q, k, temperature=0.2, normalize=False).backward()
p = (q @ k.T / 0.2).softmax(1)
gradient_error = (len(q) * q.grad - (p @ k - k) / 0.2).abs().max()
plain, tenfold = z1.clone().requires_grad_(), (10 * z1).requires_grad_()
(losses.nt_xent(plain, z2, temperature=0.2) + losses.nt_xent(tenfold, z2, temperature=0.2)).backward()
radial = (plain.grad * plain).sum(1).abs().max()
shrinks = tenfold.grad.norm(dim=1) / plain.grad.norm(dim=1)
exact = partial(ch.claim, source="Chen et al. 2020")
exact("softmax-exact.loop", "NT-Xent is the double loop of (1) (relative difference)", measured=loop_error, below=1e-10)
exact("softmax-exact.gradient", "∂L/∂q is (2) (difference)", measured=gradient_error, below=1e-10)
exact("softmax-exact.radial", "The gradient is orthogonal to z (inner product)", measured=radial, below=1e-12)
exact("softmax-exact.norm", "Ten times longer z, gradient over that of z", measured=shrinks, close_to=(0.1, 1e-9))

# %% [markdown]
# ## The theorems, tested
#
# ### One temperature from triplets to a plain mean
#
# For one query with positive score $s_+$ and $M$ negatives $s_j$, (1) reads $\tau L = \tau \log (1 + \sum_j e^{(s_j - s_+) / \tau})$: a soft maximum of $0$ and the $s_j - s_+$. It
# exceeds their maximum by at most $\tau$ times the logarithm of their number, $M + 1$:
#
# $$ 0 \ \le\ \tau L - \max(0, \max_j s_j - s_+) \ \le\ \tau \log(M + 1) . \tag{3} $$
#
# So $\tau \to 0$ is a triplet loss on the *hardest* negative, with margin 0. For large $\tau$, $L \approx \log(M + 1) + (\bar s - s_+) / \tau$, where $\bar s$ is the mean of all
# $M + 1$ scores: every negative is pushed alike. In between, negative $j$ is pushed in
# proportion to $e^{s_j / \tau}$. How many negatives is that, effectively? The exponential of the entropy of these weights. We try 200 queries with 64 negatives each, whose scores
# spread like cosines of random directions in 16 dimensions.

# %%
s_negative = torch.randn(200, 64, dtype=torch.float64) / 4
s_positive = 0.2 + 0.6 * torch.rand(200, dtype=torch.float64)
hardest = (s_negative.max(1).values - s_positive).relu()
taus = torch.logspace(-3, 2, 201, dtype=torch.float64)
logits = s_negative / taus[:, None, None]
scaled_loss = taus[:, None] * F.softplus(logits.logsumexp(2) - s_positive / taus[:, None])
effective = torch.special.entr(logits.softmax(2)).sum(2).exp()
gap = scaled_loss - hardest
slack = taus[:, None] * np.log(65) - gap
few, missing = effective[0].mean() - 1, 64 - effective[-1].mean()
limits = partial(ch.claim, source="Wang & Liu 2021")
limits("softmax-exact.above", "τL is never below the hardest negative's hinge", measured=gap.min(), above=-1e-12)
limits("softmax-exact.below", "... and never more than τ log(M+1) above it (room left)", measured=slack.min(), above=0)
limits("softmax-exact.hard", "τ = 0.001: effective negatives beyond the hardest", measured=few, below=0.2)
limits("softmax-exact.all", "τ = 100: of 64 negatives, effectively missing", measured=missing, below=0.1)

# %% [markdown]
# ### A ceiling on information
#
# For any scores, $\log N - L$ with $N$ keys is, on average, a *lower* bound on the mutual information $I(x; y)$ of the two views (van den Oord et al., 2018); the best scores are
# $\log p(y \mid x) / p(y)$. But a cross-entropy is never negative, so **the bound is never
# above** $\log N$, whatever the truth. Watch it where the truth is known: $x$ and $\epsilon$ standard normal in $d = 10$ dimensions and
# $y = \rho x + \sqrt{1 - \rho^2}\, \epsilon$, so that $I = -\tfrac d2 \log(1 - \rho^2)$. Nothing needs to be trained.


# %%
def estimate(information, n):
    x, y, rho = gaussian_pair(4096, 10, information, seed=ch.seed)
    x, y = x.float().unflatten(0, (-1, n)), y.float().unflatten(0, (-1, n))
    return infonce_mi_bound(gaussian_critic(x, y, rho))


informations = [0.5, 1, 2, 3, 4, 6, 8, 10, 12]
counts = ch.pick(fast=[16, 64, 256, 1024], toy=[16, 64, 256, 1024, 4096])
estimates = np.array([[estimate(information, n) for n in counts] for information in informations])
two_nats, ten_nats = estimates[informations.index(2)], estimates[informations.index(10)]
room, error = (np.log(counts) - estimates).min(), np.abs(two_nats[2:] / 2 - 1)
short, gained = 1 - ten_nats[1] / np.log(64), ten_nats[3] - ten_nats[1]
nats = partial(ch.claim, source="van den Oord et al. 2018")
nats("mi-ceiling.ceiling", "log N − estimate, smallest of all", measured=room, above=-1e-9, unit="nats")
nats("mi-ceiling.truth", "I = 2, N ≥ 256: relative error", measured=error, below=0.1)
nats("mi-ceiling.stuck", "I = 10, N = 64: share of log N that is missing", measured=short, below=0.03)
nats("mi-ceiling.more", "... and what N = 1024 adds", measured=gained, above=2, unit="nats")

# %% [markdown]
# At ten nats and 64 keys the estimate sits at $\log 64 = 4.16$. These scores are the best there are, so no training would help; more negatives do. The second slider shows the whole table.
#
# ### Alignment and uniformity
#
# Let $M$ grow. The sum in the denominator becomes an expectation over an independent view $z'$, and (1) splits in two (Wang & Isola, 2020):
#
# $$ L - \log M \ \to\ -\tfrac1\tau\, \mathbb{E}\, s_+ \;+\; \mathbb{E}_{z} \log \mathbb{E}_{z'}\, e^{\hat z^\top \hat z' / \tau} . \tag{4} $$
#
# The first term is **alignment**: partners should coincide. The second is **uniformity**: everybody else should be far away, and on the sphere it is smallest when embeddings are
# spread evenly. One can also take the two as losses of their own,
# $L_{\text{align}} = \mathbb{E} \|\hat z - \hat z_+\|^2$ and $L_{\text{uniform}} = \log \mathbb{E}\, e^{-2 \|\hat z - \hat z'\|^2}$.
#
# With perfect alignment and perfect uniformity the limit has a closed form: the mean of $e^{\kappa u}$ over the cosine $u$ of two independent points on the sphere in
# $\mathbb{R}^d$ is the hypergeometric function ${}_0F_1(d/2;\, \kappa^2 / 4)$, a Bessel function in
# other clothes. With $d = 16$ and $\tau = 1 / \kappa = 0.5$, (4) is $-1.87585$. How many negatives does it take to get there?

# %%
limit = np.log(special.hyp0f1(16 / 2, 2**2 / 4)) - 1 / 0.5
sizes, errors = [8, 32, 128, 512], []
z = F.normalize(torch.randn(50, 1000, 16), dim=2)
for M in sizes:
    others = F.normalize(torch.randn(50, M, 16), dim=2)
    loss = F.softplus((z @ others.mT / 0.5).logsumexp(2) - 1 / 0.5).mean().item()
    errors.append(loss - np.log(M) - limit)
slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
isola = partial(ch.claim, source="Wang & Isola 2020")
isola("align-uniform.limit", "512 negatives: distance to the limit (4)", measured=errors[-1], between=(0, 0.02))
isola("align-uniform.rate", "It falls with M like M to the power", measured=slope, between=(-1.05, -0.8))

# %% [markdown]
# Nearly like $1 / M$: at $\tau = 0.5$ a few hundred negatives are as good as infinitely many. A smaller $\tau$ needs more, since the positive alone is worth $e^{1 / \tau}$ in the denominator.
#
# ### The loss that can be solved by hand
#
# Replace the log-sum-exp by a square and the optimum is an eigenproblem (HaoChen et al., 2021). Let there be finitely many views. $A_{ij}$ is the probability that $i$ and $j$ are
# drawn as a positive pair, $w_i = \sum_j A_{ij}$ that of view $i$, and
# $f_i \in \mathbb{R}^K$ its embedding. The **spectral contrastive loss**, and what it becomes with $u_i = \sqrt{w_i} f_i$ and $\bar A_{ij} = A_{ij} / \sqrt{w_i w_j}$, is
#
# $$ L(f) = -2 \sum_{ij} A_{ij} f_i^\top f_j + \sum_{ij} w_i w_j (f_i^\top f_j)^2 = \|\bar A - U U^\top\|_F^2 - \|\bar A\|_F^2 . \tag{5} $$
#
# By Eckart and Young the best $U U^\top$ keeps the $K$ largest eigenvalues $\lambda_j$ of $\bar A$ (none is negative here), and the minimum is $-\sum_{j \le K} \lambda_j^2$. Take
# five images and twelve views: image $x$ shows view $i$ with probability $P_{xi}$, rows
# drawn from a Dirichlet distribution, whose *concentration* says over how many views an image spreads.

# %%
levels = np.random.default_rng(ch.seed).uniform(size=(5, 12))


def view_graph(concentration):
    P = stats.gamma.ppf(levels, concentration)
    P = P / P.sum(1, keepdims=True)
    P = P[:, P.argmax(0).argsort(kind="stable")]
    A = torch.tensor(P.T @ P / 5)
    w = A.sum(0)
    return A, w, A / torch.outer(w, w).sqrt()


A, w, A_bar = view_graph(concentration=1)


def spectral_loss(f):
    inner = f @ f.T
    return -2 * (A * inner).sum() + (torch.outer(w, w) * inner.square()).sum()


# %%
start = torch.randn(12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(ch.seed))
factorised = spectral.contrastive_graph_loss(w.sqrt()[:, None] * start, A_bar) - A_bar.square().sum()
identity = abs(factorised - spectral_loss(start))
(f,) = minimize(spectral_loss, [start], steps=2000)
best = spectral.contrastive_embedding(A_bar, 3).eigenvalues
excess = abs(spectral_loss(f) + np.sum(best**2))
gram = np.linalg.eigvalsh(f.T @ (w[:, None] * f))[::-1]
solved = partial(ch.claim, source="HaoChen et al. 2021", paper="0 (exact)")
solved("spectral-closed-form.identity", "Both sides of (5), for any f (difference)", measured=identity, below=1e-10)
solved("spectral-closed-form.minimum", "Descent ends at −Σλ² (difference)", measured=excess, below=1e-6)
solved("spectral-closed-form.gram", "UᵀU has the eigenvalues λ (error)", measured=abs(gram - best).max(), below=1e-4)

# %% [markdown]
# [Spectral embedding](../2_spectral/01_spectral_embedding.ipynb) does this for all families. For batches there is `losses.spectral_contrastive`.
#
# ## The experiment
#
# Digits of 14 × 14 pixels, the small encoder and the crops of [Two views](01_two_views.ipynb). **Low-shot** accuracy is that of a ridge classifier on the encoder's output with 200
# labels, averaged over five sets of labels. Alignment and uniformity are measured behind
# the projector, on two fresh crops of 1,000 images. We train NT-Xent at several temperatures, alignment alone, uniformity alone, and their plain sum.

# %%
low_shot = partial(recipes.low_shot, sets=digits)


def train(loss, seed):
    run = recipes.train_tiny(loss, digits.x_train, recipe=recipe, seed=seed)
    network = torch.nn.Sequential(run.encoder, run.projector)
    generator = torch.Generator().manual_seed(seed)
    crops = [recipes.tiny_crop(digits.x_train[:1000], generator) for _ in range(2)]
    terms = losses.align_uniform(*(training.features(network, crop) for crop in crops))
    return low_shot(run.encoder), terms.align.item(), terms.uniform.item()


# %%
recipe = ch.pick(fast=recipes.TINY_SHORT, toy=recipes.TINY)
seeds = ch.pick(fast=[ch.seed], toy=[ch.seed, ch.seed + 1])
temperatures = ch.pick(fast=[0.05, 0.2, 1, 5], toy=[0.02, 0.05, 0.2, 1, 5])
objectives = {f"τ = {tau}": partial(losses.nt_xent, temperature=tau) for tau in temperatures}
both = losses.align_uniform
objectives |= {"align": partial(both, uniform=0), "uniform": partial(both, align=0), "align + uniform": both}
results = {name: np.array([train(loss, s) for s in seeds]) for name, loss in objectives.items()}
untrained = recipes.untrained(digits.x_train, recipe=recipe, seed=ch.seed)
baselines = {"untrained": low_shot(untrained), "pixels": low_shot(torch.nn.Flatten())}

# %%
accuracy = {name: result[:, 0] for name, result in results.items()}
sweep = np.stack([accuracy[f"τ = {tau}"] for tau in temperatures])
best_tau = [temperatures[i] for i in sweep.argmax(0)]
spread = results["align"][:, 2]
pays, gain = accuracy["align + uniform"] - accuracy["align"], accuracy["τ = 0.2"] - accuracy["τ = 5"]
isola("align-uniform.pays", "Low-shot accuracy, both terms − alignment alone", measured=pays, above=0.08)
isola("align-uniform.collapse", "Alignment alone: uniformity", measured=spread, above=-0.05, control=True)
chen = partial(ch.claim, source="Chen et al. 2020", paper="best near 0.1 (ImageNet, 100 epochs)")
chen("temperature-sweet-spot.gain", "Low-shot accuracy, τ = 0.2 − τ = 5", measured=gain, above=0.025)
chen("temperature-sweet-spot.small", "The best τ of those tried", measured=best_tau, below=0.9)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.7), width_ratios=[1, 1.25], layout="constrained")
left.plot(temperatures, sweep, "o", color=cb.color("nt_xent"), ms=4)
left.plot(temperatures, sweep.mean(1), color=cb.color("nt_xent"))
left.set(xscale="log", xlabel="temperature τ", ylabel="low-shot accuracy", title="Small, but not too small")
for name, height in baselines.items():
    left.axhline(height, color=cb.color("baseline"), ls="--", lw=1)
    left.text(temperatures[0], height + 0.003, name, color=cb.color("baseline"))
for name, result in results.items():
    score, alignment, uniform = result.T
    dots = right.scatter(np.sqrt(alignment), uniform, c=score, s=60, vmin=0.6, vmax=0.9, edgecolors="#8a9099", lw=0.5)
    right.annotate(name, (np.sqrt(alignment).max(), uniform.mean()), (7, 0), textcoords="offset points", va="center")
right.set(xlim=(-0.05, 1.75), xlabel="distance of two views (rms)", ylabel="uniformity", title="Two ways to fail")
fig.colorbar(dots, ax=right, label="low-shot accuracy")
plt.show()

# %% [markdown]
# *Look at the two corners on the right.* Alignment alone puts every image at one point (top left), uniformity alone scatters even the two crops of one image (bottom right). Both
# are about as good as no training. The dark dots lie between, and the plain sum of both
# terms does as well as any temperature. *Then look at the smallest temperature.* It should be the most uniform, since it pushes hardest at near neighbours, but it is not: each
# query pushes only its few nearest, and a short run is over before all have had their turn.
#
# ### A queue of old keys
#
# Many negatives need big batches, or a memory. **MoCo** (He et al., 2020) keeps the keys of past batches in a queue, first in, first out. But an old key was made by an old
# network. So keys come from a network of their own, with weights
# $\theta_k \leftarrow m\, \theta_k + (1 - m)\, \theta_q$ that follow the query network's $\theta_q$ slowly and get no gradient. `key_freshness` trains for 120 steps of 32 images
# at a constant learning rate; at the end the queue of 1,024 keys holds those of the last 32
# steps. Then it encodes the same crops again, with the key network of *now*, and compares.


# %%
def freshness(m, seed):
    encoder, projector = recipes.tiny_encoder(recipes.TINY_SHORT, seed=seed)
    moco = methods.MoCo(encoder, projector, losses.info_nce, recipes.tiny_crop, size=1024, decay=m, seed=seed)
    return key_freshness(moco, digits.x_train, seed=seed), low_shot(encoder)


cb.show_source(methods.MoCo.step)
cb.show_source(methods.MoCo.after_step)
momenta = ch.pick(fast=[0, 0.99], toy=[0, 0.9, 0.99, 0.999])
queues = {m: [freshness(m, s) for s in seeds] for m in momenta}
by_age = {m: torch.stack([keys.cosine for keys, _ in runs]) for m, runs in queues.items()}
fresher = by_age[0.99].mean(1) - by_age[0].mean(1)
misplaced = sum(keys.misplaced for runs in queues.values() for keys, _ in runs)
he = partial(ch.claim, source="He et al. 2020")
ablation = "m = 0 fails; 0.9: 55.2, 0.99: 57.8, 0.999: 59.0 % (ImageNet, linear)"
he("queue-consistency.fresher", "Cosine, m = 0.99 − m = 0", measured=fresher, above=0.03, paper=ablation)
he("queue-consistency.fifo", "Queue − last 1,024 keys: rows that differ", measured=misplaced, close_to=(0, 0))

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
shades = plt.get_cmap("cookbook")(np.linspace(0.35, 0.9, len(momenta)))
for m, shade in zip(momenta, shades, strict=True):
    curve = by_age[m].mean(0)
    score = np.mean([low for _, low in queues[m]])
    ax.plot(np.arange(32), curve, color=shade)
    ax.text(31.4, curve[-1], f"m = {m} (low-shot {score:.2f})", color=shade, va="center")
ax.set(xlim=(0, 43), ylim=(0.4, 1.02), xticks=[0, 10, 20, 30], xlabel="age of the key, steps")
ax.set(ylabel="cosine, stored key to fresh key", title="A slow key network keeps old keys true")
plt.show()

# %% [markdown]
# *Compare the right ends.* With $m = 0.99$ a key that is 31 steps old still points where a new one would. With $m = 0$ it does not, nor with $m = 0.9$, which forgets in
# $1 / (1 - m) = 10$ steps. Accuracy rises with $m$ as in the paper's ablation. But do not read too
# much into the top curve: in 120 steps a key network with $m = 0.999$ has hardly left its random start.
#
# ## Play
#
# **Temperature.** One query and its 64 negatives, the hardest first; on the right the bounds (3), shaded. Lower `tau`: the push piles up on a few negatives, and the loss lies down
# on the lower bound, flat, because the hardest negative alone decides. Raise it and the
# loss climbs along the upper one. People use 0.1 to 0.5, on the slope between; nothing in (3) says why.


# %%
def draw_temperature(fig, tau):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.1, right=0.98, bottom=0.16, top=0.88, wspace=0.2)
    weights = (s_negative[0] / tau).softmax(0).sort(descending=True).values
    left.fill_between(np.arange(64), weights, step="post", color=cb.color("nt_xent"))
    left.set(xlabel="negative, hardest first", ylabel="share of the push", xlim=(0, 63), ylim=(0, 1.1 * weights[0]))
    left.set_title(f"{np.interp(tau, taus, effective[:, 0]):.1f} effective negatives")
    value = np.interp(tau, taus, scaled_loss[:, 0])
    upper = hardest[0] + taus * np.log(65)
    right.fill_between(np.log10(taus), hardest[0], upper, color=cb.color("nt_xent"), alpha=0.15, lw=0)
    right.plot(np.log10(taus), scaled_loss[:, 0], color=cb.color("nt_xent"))
    right.plot(np.log10(tau), value, "o", ms=10, color=cb.color("nt_xent"))
    right.set(xlabel="log₁₀ τ", xlim=(-2.1, 1.1), ylim=(0, 3), title=f"τL = {value:.2f}")


cb.explore(draw_temperature, figsize=(7.2, 3), tau=cb.log_slider(0.2, 0.01, 10))

# %% [markdown]
# **The ceiling.** Each curve is one number of `keys` $N$. Follow it to the right by `information`: it leaves the diagonal well before its ceiling and then lies flat. Every factor
# of four lifts the ceiling by $\log 4 = 1.39$ nats.


# %%
def draw_ceiling(fig, information, keys):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.08, right=0.97, bottom=0.16, top=0.88)
    curve = estimates[:, counts.index(keys)]
    value = curve[informations.index(information)]
    ax.plot(informations, estimates, color="#d5d9de", lw=1.5)
    ax.plot([0, 12], [0, 12], "--", color=cb.color("theory"), lw=1)
    ax.plot([0, 12], np.log([keys, keys]), ":", color=cb.color("info_nce"))
    ax.plot(informations, curve, "o-", color=cb.color("info_nce"))
    ax.plot(information, value, "o", ms=12, color=cb.color("info_nce"))
    ax.set(xlim=(0, 12.3), ylim=(0, 9.5), xlabel="true I(x; y), nats", ylabel="estimate, nats")
    ax.set_title(f"truth {information:g} (dashed), estimate {value:.2f}, ceiling log N = {np.log(keys):.2f} (dotted)")


information = SelectionSlider(options=informations, value=6)
cb.explore(draw_ceiling, figsize=(7.2, 3), information=information, keys=SelectionSlider(options=counts, value=64))

# %% [markdown]
# **Which part of the graph survives.** $\bar A$, its eigenvalues, and the best $U U^\top$ with `k` dimensions. At small `concentration` images share no views: five blocks, five
# eigenvalues of 1, and $K = 5$ keeps everything. Raise it, and all but the first sink.


# %%
def draw_graph(fig, k, concentration):
    _, _, A_bar = view_graph(concentration)
    values = torch.linalg.eigvalsh(A_bar).flip(0)
    U = spectral.contrastive_embedding(A_bar, k).Z
    left, middle, right = fig.subplots(1, 3, width_ratios=[1, 1.2, 1])
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.17, top=0.87, wspace=0.25)
    for ax, matrix, title in ((left, A_bar, "Ā"), (right, U @ U.T, f"UUᵀ, K = {k}")):
        ax.imshow(matrix, vmin=0, vmax=0.6)
        ax.set(xticks=[], yticks=[], title=title, anchor="N")
    middle.bar(np.arange(1, 13), values, color=[cb.color("nt_xent")] * k + [cb.color("baseline")] * (12 - k))
    middle.set(xlabel="eigenvalue", xticks=[1, 5, 12], title=f"min L = {-values[:k].square().sum():.2f}")


cb.explore(draw_graph, figsize=(7.2, 2.9), k=IntSlider(3, 1, 6), concentration=cb.log_slider(0.3, 0.05, 3))

# %% [markdown]
# ## What breaks
#
# - **A queue does not pay here.** In our trials with digits at batch 8, a MoCo with 1,024 old keys stayed below NT-Xent with its 14 negatives: only one view in two gets a
#   gradient, and digits need few negatives.
# - **Numbers that mislead.** Losses at different $B$ or $\tau$ do not compare: report $L$ next to $\log(2B - 1)$, its value when the embeddings say nothing. A wrong target trains
#   happily: the partner of view $i$ is $i + B$ modulo $2B$. Mask the self-similarity with
#   $-\infty$ *before* the softmax, in float32: $-10^9$ overflows in float16.
# - **False negatives.** With ten classes, one negative in ten shows the same digit, and the smaller $\tau$, the harder it is pushed (exercise 3).
# - **Several devices.** Each must see the negatives of all, with gradients ([Training knobs](06_training_knobs.ipynb)); accumulating gradients over small batches is *not* a large batch for this loss.
# - **Scale.** With 200 steps on 14 × 14 digits, differences of 0.02 are noise. For real size there is `cookbook train simclr --data cifar10`; solo-learn reports 90.7 % for SimCLR,
#   92.9 % for MoCo v2+ and 91.9 % for NNCLR (ResNet-18, 1,000 epochs; not reproduced here).
#
# ## Before and after
#
# [Two views](01_two_views.ipynb) decides what a positive pair is. Relatives change one piece each: *NNCLR* swaps the positive for its nearest neighbour in a queue
# (`methods.NNCLR`), *MoCo v3* drops the queue for a batch of 4,096 and adds a predictor, *MeanShift*
# pulls towards the mean of nearest neighbours, without negatives. So does all of [Self-distillation](03_self_distillation.ipynb);
# [The canonical-correlation family](04_canonical_correlation.ipynb) contrasts dimensions instead of samples.
#
# ## Claims

# %% tags=["nbval-check-output"]
ch.verdicts()

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1.** With a pencil: derive (3), and find scores for which its right side is an equality. Then: which temperature does the uniformity loss with $t = 2$ correspond to?

# %% tags=["solution"] jupyter={"source_hidden": true}
equal = losses.info_nce(torch.ones(5, 3), torch.ones(5, 3), temperature=0.2)
print("exp(max / τ) <= sum of n terms exp(a / τ) <= n exp(max / τ); take τ log. Here a = (0, s_j - s_+), n = M + 1.")
print(f"The right side is reached where all n are equal. Five equal keys: L = {equal:.4f} = log 5.")
s = losses.off_diagonal(F.normalize(z1, dim=1) @ F.normalize(z1, dim=1).T)
print("exp(-t |u - v|²) = exp(-2t) exp(2ts), so τ = 1 / (2t) = 0.25, up to the constant -2t = -4:")
print(f"{losses.uniform_loss(z1):.6f} = {(s / 0.25).exp().mean().log() - 4:.6f}")

# %% [markdown] tags=["exercise"]
# **2.** What is the smallest NT-Xent that $B$ images can have, in enough dimensions? Find it by descent on free embeddings, then explain it.

# %% tags=["solution"] jupyter={"source_hidden": true}
start = torch.randn(2, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
(free,) = minimize(lambda z: losses.nt_xent(*z, temperature=0.5), [start])
print("Partners coincide (s = 1) and the B points form a simplex, s = -1 / (B - 1), which needs K >= B - 1. Then")
formula, found = np.log1p(8 * np.exp(-2.5)), losses.nt_xent(*free, temperature=0.5)
print(f"log(1 + (2B - 2) exp(-B / (B - 1) / τ)) = {formula:.6f}; descent found {found:.6f}.")

# %% [markdown] tags=["exercise"]
# **3.** (research) Correct the denominator for a share $\pi = 0.1$ of false negatives: replace the mean $\mu$ of $e^{s / \tau}$ over negatives by
# $\max(e^{-1/\tau}, (\mu - \pi e^{s_+ / \tau}) / (1 - \pi))$ (Chuang et al., 2020). Does low-shot accuracy move?


# %% tags=["solution"] jupyter={"source_hidden": true}
def debiased(z1, z2, tau=0.2, share=0.1):
    grown = (F.normalize(z1, dim=1) @ F.normalize(z2, dim=1).T / tau).exp()
    own, rest = grown.diagonal(), len(z1) - 1
    mean = (grown.sum(1) - own) / rest
    corrected = ((mean - share * own) / (1 - share)).clamp_min(np.exp(-1 / tau))
    return torch.log1p(rest * corrected / own).mean()


for share in (0, 0.1):
    print(f"share {share}: low-shot accuracy {train(partial(debiased, share=share), ch.seed)[0]:.3f}")

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its section on the deep metric learning family.
# - R. Hadsell, S. Chopra, Y. LeCun. Dimensionality reduction by learning an invariant mapping, 2006. F. Schroff et al. [FaceNet](https://arxiv.org/abs/1503.03832), 2015. A. van
#   den Oord et al. [CPC](https://arxiv.org/abs/1807.03748), 2018. T. Chen et al.
#   [SimCLR](https://arxiv.org/abs/2002.05709), 2020. K. He et al. [MoCo](https://arxiv.org/abs/1911.05722), 2020. P. Khosla et al. [SupCon](https://arxiv.org/abs/2004.11362), 2020.
# - T. Wang, P. Isola. [Alignment and uniformity on the hypersphere](https://arxiv.org/abs/2005.10242), 2020. F. Wang, H. Liu.
#   [Understanding the behaviour of contrastive loss](https://arxiv.org/abs/2012.09740), 2021. B. Poole et al.
#   [On variational bounds of mutual information](https://arxiv.org/abs/1905.06922), 2019. J. HaoChen et al. [Spectral contrastive loss](https://arxiv.org/abs/2106.04156), 2021.
#   C.-H. Yeh et al. Decoupled contrastive learning, 2022. C.-Y. Chuang et al. Debiased
#   contrastive learning, 2020. D. Dwibedi et al. NNCLR, 2021. S. A. Koohpayegani et al. MeanShift, 2021. X. Chen et al. MoCo v3, 2021.
