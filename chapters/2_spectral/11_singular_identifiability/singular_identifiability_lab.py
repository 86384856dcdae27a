# %% [markdown]
# # When networks agree, and when they are right: lab
#
# The [lesson](singular_identifiability.ipynb) was about the optimum of a loss in a world with endless data. Here is what the paper asks of a *singular identifiability theory*: what views decide, how many pairs it takes, what the batch does and what training does, real digits, and what a flat direction is worth. Sections stand alone.
#
# Symbols are those of the lesson: places $u$, embeddings $z$, concentration $\kappa = 5$. $R^2$ is of a linear regression, fitted on one half of 2,000 new things and scored on the other.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import expit, ive
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, models, recipes, spectral, training
from replearn.papers import singular_identifiability as paper

ch = cb.Chapter("singular_identifiability_lab", scale=scale, seed=seed)

# %% jupyter={"source_hidden": true}
info_nce = partial(losses.info_nce, similarity="sqdist", normalize=False, temperature=0.2)
cosine = partial(losses.info_nce, temperature=0.2)
loop = {"steps": ch.pick(fast=250, toy=400), "batch_size": 256, "lr": 0.02}


def encoder(seed, inputs=3, outputs=3):
    with training.seeded(seed):
        return models.mlp_head(inputs, 64, outputs, layers=4)


def learn(world, outputs=3, loss=info_nce, seed=ch.seed, **changes):
    network = encoder(seed, 3 + world.style, outputs)
    recipes.train_pairs(network, loss, world.views, seed=seed, **{**loop, **changes})
    return network


# %% jupyter={"source_hidden": true}
def new_things(world):
    latents = world.sample(2000, torch.Generator().manual_seed(2))
    return latents, world.render(latents)


# %% [markdown]
# ## A · What the views change is forgotten
#
# Give each thing a **style** $q$ beside its place $u$: two numbers that $x$ shows as well as the place. A second view of the thing has a place near $u$, as before, and a style drawn anew. (As in the lesson, a training that ends in a fold, far above the loss of the true places, starts again.) *Guess first.* The network has three outputs, and both latents can be seen. What is the $R^2$ of each?

# %%
worlds = [data.latent_world(3, kappa=5.0, style=2, seed=ch.seed + k) for k in range(ch.pick(fast=1, toy=3))]
content, style, seen = [], [], []
for world in worlds:
    latents, x = new_things(world)
    build = partial(encoder, inputs=5)
    best = paper.train_world(build, info_nce, world, stop_below=0.13, seed=ch.seed, **loop)[0]
    z = training.features(best.encoder, x)
    content.append(evaluation.linear_r2(z, latents[:, :3]))
    style.append(evaluation.linear_r2(z, latents[:, 3:]))
    seen.append(evaluation.linear_r2(x, latents[:, 3:]))
ch.measure("content-not-style", content=1 - np.array(content), style=style, seen=seen)

# %% [markdown]
# **What you saw.** The place is found and the style is gone (von Kügelgen et al., 2021). In equation (1) of the lesson only $p(u' \mid u)$ is to be guessed; the style of one view says nothing about the other, so it can only be noise in $z$.
#
# Now let views *share* some style: $q' = \rho\, q + \sqrt{1 - \rho^2}$ times fresh noise. A whitening loss (VICReg's, in closed form) asks which functions of a view correlate most with the same function of the other view, and keeps as many as it has outputs. Here they are all known. The three coordinates of the place have the correlation 0.8, its five functions of degree 2 have 0.52, and so on (ratios of Bessel functions). The two coordinates of the style have $\rho$, their three functions of degree 2 have $\rho^2$, and so on. For products of the two, multiply.

# %%
on_the_globe = ive(np.arange(6) + 0.5, 5.0) / ive(0.5, 5.0)  # correlation of the functions of degree 0, 1, 2, ...


def functions(rho, most=16):
    """(correlation, degree in the place, degree in the style) of the functions on which views agree most."""
    found = []
    for place, style in np.ndindex(6, 20):  # the degrees
        correlation, count = on_the_globe[place] * rho**style, (2 * place + 1) * (style + 1)
        found += [(correlation, place, style)] * count
    return sorted(found, reverse=True)[1 : most + 1]  # the first one is the constant


cb.explore(ch.figures.crowd, functions, rho=(0.0, 0.99, 0.01), outputs=(3, 12))

# %% [markdown]
# **Drag `rho`** to the right. The two functions of style (orange) overtake the three of the place (blue) at $\rho = 0.8$; then their squares and cubes come, and push the place out of the outputs altogether. InfoNCE has no such queue: its $\|z - z'\|^2$ adds up all that is shared.
#
# *Guess first.* Five outputs, $\rho = 0.99$: how much of the place is left, by whitening, and by InfoNCE? For whitening we take a network whose hidden layer is random, and solve for the last layer: that is a canonical correlation analysis.


# %%
def random_layer(x, draw, width=200):
    generator = torch.Generator().manual_seed(draw)
    weights = torch.randn(x.shape[1] + 1, width, dtype=torch.float64, generator=generator)
    return torch.relu(x.double() @ weights[1:] + weights[0])


def whitened(views, x, draw, outputs=3, ridge=1e-4):
    """Outputs for x of a network with a random hidden layer and the last layer that whitening wants."""
    hidden = [random_layer(view, draw) for view in views]
    last = spectral.cca(*hidden, outputs, ridge=ridge).A
    return random_layer(x, draw) @ torch.from_numpy(last)


# %%
kept_by_whitening, kept_by_info_nce = [], []
for k, world in enumerate(worlds):
    sharing = world._replace(rho=0.99)
    latents, x = new_things(sharing)
    views = sharing.views(2000, torch.Generator().manual_seed(ch.seed + k))
    z = whitened(views, x, ch.seed + k, outputs=5, ridge=1e-5)
    z_info_nce = training.features(learn(sharing, outputs=5), x)
    kept_by_whitening.append(evaluation.linear_r2(z, latents[:, :3]))
    kept_by_info_nce.append(evaluation.linear_r2(z_info_nce, latents[:, :3]))
gain = np.array(kept_by_info_nce) - kept_by_whitening
ch.measure("crowded-out", whitening=kept_by_whitening, gain=gain)

# %% [markdown]
# **What you saw.** An easy shared style is a *shortcut*, for one loss and not for the other. That is the paper's point: augmentations and objective decide together what is identified.
#
# > **Check yourself.** With three outputs and $\rho = 0.6$, which functions does whitening choose? With six?
#
# ## B · A short list of pairs
#
# So far every batch was fresh. Take a *fixed list* of $N$ pairs instead, and the closed form of section A: no training that could go wrong. Two networks with different random layers share the list. *Guess first.* With fifty pairs, which is larger: their agreement, or the truth in them?

# %%
world = data.latent_world(3, kappa=5.0, seed=ch.seed)
latents, x = new_things(world)
lists = [50, 200, 1000, 3000]


def agreement_and_truth(N, draw):
    views = world.views(N, torch.Generator().manual_seed(draw))
    pair = [whitened(views, x, draw + k) for k in (1, 2)]
    return evaluation.cross_r2(pair)[0, 1].item(), np.mean([evaluation.linear_r2(z, latents) for z in pair])


draws = [1000 * ch.seed + 10 * k for k in range(ch.pick(fast=4, toy=8))]
agreed, true = np.array([[agreement_and_truth(N, draw) for draw in draws] for N in lists]).mean(1).T
ch.measure("short-list", n50=1 - true[0], n3000=1 - true[-1], gain=np.diff(true).min(), apart=agreed[0] - true[0])

# %%
ch.figures.short_lists(lists, agreed, true)

# %% [markdown]
# **What you saw.** *Look between the curves.* From a short list two networks learn the same mistakes: agreement without truth again, and this time not for lack of a question but for lack of data.
#
# ## C · The batch, and the way down
#
# A batch of $N$ pairs has $N - 1$ negatives. *Guess first.* Take the true places, times a number. With batches of 2, for which number is the loss (1) smallest: one above 1, below 1, or 1?


# %%
def best_scale(N, pairs=8192):
    u, u_positive = world.pair(pairs, torch.Generator().manual_seed(ch.seed))
    squared = torch.cdist(u.view(-1, N, 3), u_positive.view(-1, N, 3)).square()

    def loss(factor):
        scores = -5.0 / 2 * factor**2 * squared
        return (scores.logsumexp(2) - scores.diagonal(dim1=1, dim2=2)).mean().item()

    return minimize_scalar(loss, bounds=(0.3, 2), method="bounded", options={"xatol": 1e-3}).x


scales = [best_scale(N) for N in (2, 8, 64)]
print("best scale with batches of 2, 8 and 64:", np.round(scales, 2))

# %%
few = [learn(world, seed=ch.seed + k, batch_size=8) for k in range(ch.pick(fast=2, toy=4))]
many = [learn(world, seed=ch.seed + k) for k in range(ch.pick(fast=1, toy=3))]
runs = {"batches of 256": many, "batches of 8": few}
runs["cosine"] = [learn(world, loss=cosine, seed=ch.seed + k) for k in range(ch.pick(fast=1, toy=4))]
known = {
    name: [evaluation.linear_r2(training.features(f, x), latents) for f in networks] for name, networks in runs.items()
}
ch.measure("same-optimum", scale=scales)
ch.measure("batch-of-8", gain=np.mean(known["batches of 256"]) - np.mean(known["batches of 8"]))

# %%
ch.figures.ways_down(known)

# %% [markdown]
# **What you saw.** The batch changes the *value* of the loss (exercise L1), and its noise, and not where its minimum lies: given $N$ candidates, the best guess of the partner is made from the true ratio (1), whatever $N$ is. And yet, in equally many steps (with one pair for every 32), most runs with small batches end far from it. The cosine has the same optimum too, on the sphere. Runs with it end anywhere between about $R^2 = 2/3$ (two axes found, the third folded away) and the truth, since a map into the sphere has to tear before it can unfold. (A demonstration, not a claim.) No theorem about the optimum sees any of this.
#
# > **Check yourself.** Why can batches of *one* pair teach nothing?
#
# ## D · Digits
#
# Nobody knows the latents of handwritten digits, so only agreement can be measured. Encoders 196-256-16 learn from shaken digits: InfoNCE from two starts, VICReg; two stay untrained. *Guess first.* Do two trained networks share more nearest neighbours with each other than with the *pixels*?

# %%
mnist = recipes.tiny_mnist(standardized=False)
recipe = recipes.TINY_MLP._replace(steps=ch.pick(fast=100, toy=200), batch_size=128, lr=3e-3, warmup=10)


def digit_embedding(seed, loss=None):
    with training.seeded(seed):
        network = nn.Sequential(nn.Flatten(), *models.mlp([196, 256, 16]))
    if loss:
        recipes.train_networks(network, nn.Identity(), loss, mnist.x_train, recipe=recipe, seed=seed)
    z = training.features(network, mnist.x_test)
    return z - z.mean(0)


kinds = [cosine, cosine, partial(losses.vicreg, cov=25.0), None, None]
digits = [digit_embedding(10 * ch.seed + k, loss) for k, loss in enumerate(kinds)]

# %%
cross = evaluation.cross_r2(digits)
starts, methods, untrained = cross[0, 1].item(), cross[0, 2].item(), cross[3, 4].item()
ch.measure("digits-agree", starts=1 - starts, methods=1 - methods, gain=min(starts, methods) - untrained)

# %%
embeddings = [z[:1000] for z in [*digits, mnist.x_test.flatten(1)]]
shared = np.array([[evaluation.mutual_knn(a, b) for b in embeddings] for a in embeddings])
ch.measure("beyond-pixels", starts=shared[0, 1] - shared[:2, 5].max(), methods=shared[0, 2] - shared[:3, 5].max())
ch.figures.neighbours(shared, ["InfoNCE", "InfoNCE, again", "VICReg", "untrained", "untrained, again", "pixels"])

# %% [markdown]
# **What you saw.** *Read the last column first*: everybody shares a third or more of the neighbours with the pixels, the untrained ones too. What training adds is the difference to it. Chance (ten of 999) is no yardstick here.
#
# ## E · What a flat direction is worth
#
# How does one compare models of different size? Bayes' answer is the **free energy** of $n$ observations, $-\log$ of the likelihood averaged over all parameters $\theta$. With the mean loss $\mathcal L(\theta)$ above its minimum and a flat prior,
#
# $$ -\log \int e^{-n \mathcal L(\theta)}\, d\theta \ \approx\ \Lambda \log n , \tag{5} $$
#
# where $\Lambda$ is Watanabe's **learning coefficient**, usually written as a lambda. BIC has $\Lambda = \frac{\#\theta}2$, half for each parameter. *Guess first.* A model with two parameters that sees only their product $\theta_1 \theta_2$: what is its price?


# %%
side = np.linspace(-3, 3, 1201)
one, two = np.meshgrid(side, side)


def divergence(score, truth):
    """Of coins, in nats: what is lost by the guess `score` (a log-odds)."""
    p, q = expit(truth), expit(score)
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


def price(loss):
    """Slope of the free energy in log n, from 100 to 10,000 observations."""
    fewer, more = (-np.log(np.exp(-n * loss).mean()) for n in (100, 10_000))
    return (more - fewer) / np.log(100)


# %%
separate = price(divergence(one, 1) + divergence(two, 1))
product = price(divergence(one * two, 1))
crossing = price(divergence(one * two, 0))
print(f"two coins {separate:.2f}, product 1 {product:.2f}, product 0 {crossing:.2f}; BIC charges 1")

# %% [markdown]
# **What you saw.** Two coins with a parameter each cost 1, as BIC says. The product costs a half: along the curve $\theta_1 \theta_2 = 1$ of minima nothing is determined, nothing is paid. If the minima form a smooth manifold,
#
# $$ \Lambda = \tfrac12 (\#\theta - \text{flat directions}) . \tag{6} $$
#
# Where $\theta_1 \theta_2 = 0$ the minima form a *cross*, no smooth manifold. There $\Lambda$ is $\frac12$ again, but the free energy is $\frac12 \log n - \log \log n$: the second term, which (5) leaves out, makes the cross cheaper still, and the slope only creeps up to a half.
#
# Now the table of the lesson, with twenty places, by sampling: $\Lambda$ is also $n\, \mathbb E [\mathcal L - \mathcal L_{\min}]$ under the density $\propto e^{-n \mathcal L}$ near an optimum. `learning_coefficient` draws from it (at $n = 10^{12}$, with a weak spring).


# %%
def table(towns):
    generator = torch.Generator().manual_seed(ch.seed)
    points = torch.randn(20 + towns, 3, dtype=torch.float64, generator=generator)
    points = nn.functional.normalize(points, dim=1)
    return paper.tabular_classifier(points[20:], points[:20], kappa=5.0)


coefficient, paid = {}, {}
for towns in (3, 20):
    loss, best = table(towns)
    coefficient[towns] = paper.learning_coefficient(loss, best, steps=ch.pick(fast=1500, toy=3000), seed=ch.seed)
    paid[towns] = (len(best) - paper.flat_directions(loss, best).nullity) / 2
    print(f"{towns} towns: sampled {coefficient[towns]:.1f}, (6) says {paid[towns]}, BIC {len(best) / 2}")

# %%
ch.measure("flat-is-free", separate=separate, product=product, crossing=product - crossing)
ratio = [coefficient[towns] / paid[towns] for towns in (3, 20)]
ch.measure("too-few-are-cheap", formula=ratio, bic=coefficient[3] / (3 * 23 / 2))

# %% [markdown]
# **What you saw.** With three towns the table costs little more than half of what BIC charges. A theory that counts parameters calls it too large; it is only too loosely asked.
#
# > **Check yourself.** By how much does $\Lambda$ grow with one more place, with three towns and with twenty?
#
# ## Summary
#
# 1. What the second view draws anew is forgotten; a style that is shared too well crowds out the content, if the loss ranks functions.
# 2. From a short list of pairs networks agree on the same mistakes.
# 3. The batch does not move the optimum. It decides whether one gets there.
# 4. Digits: two starts, two losses agree, beyond what pixels and untrained networks share.
# 5. Flat directions cost nothing, and BIC charges for them.

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **L1** ●●○ 20 min. The loss (1) holds the logarithm of a mean of $N$ numbers $X$, the exponentials of the scores of negatives. Show that its value is off by about $-\mathrm{Var}(X) / (2 N\, \mathbb E[X]^2)$, and measure it for the true places. Why does this not contradict section C?
#
# <details><summary>Hint</summary>Expand the logarithm of the mean to second order around that of the expectation. Then ask on which side of the minimum a shift of the value matters.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 20 min. Show that $\Lambda = \frac12$ for each direction in which the loss is quadratic, and $\frac14$ for one in which it grows with the fourth power. Check the latter with `learning_coefficient`.
#
# <details><summary>Hint</summary>In the integral (5), substitute so that n disappears from the exponent.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●● 90 min. Raise the temperature $1/n$ of the sampler for three towns, $n = 10^{12}, 10^{10}, 10^{8}, 10^6$. How must the spring be raised with it, and why? From which $n$ on does (6) hold?
#
# <details><summary>Hint</summary>How far do the draws go in a flat direction? The manifold of minima is curved.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●○ 25 min. Derive the second row of the lesson's table of flat directions: with unit rows, show that what is left of matrix and vector are the quadrics $v^\top Y v + y^\top v = 0$ through all centres, and count them.
#
# <details><summary>Hint</summary>By the first row the head moves by δw_c = F v_c + b with some matrix F. When does this keep the length of every row? Split F into a symmetric and an antisymmetric part.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
