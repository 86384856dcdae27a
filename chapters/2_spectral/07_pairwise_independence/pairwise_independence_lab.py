# %% [markdown]
# # Pairwise independence: lab
#
# For those who want more: the projectors that people use, and what the paper reports of them; the specialist for unmixing; mixtures that are not linear; and the formula that looks at three variables at once. Sections stand alone. Equation numbers go on from the [lesson](pairwise_independence.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from itertools import combinations

import numpy as np
import torch
from sklearn.decomposition import FastICA
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, models, recipes, training
from replearn.papers import pairwise_independence as world

ch = cb.Chapter("pairwise_independence_lab", scale=scale, seed=seed)

# %% [markdown]
# ## A · Projectors that mix
#
# The paper's own experiments have projectors that begin with a full matrix. The theorem (1) does not cover them: it speaks of the variables *after* that matrix. What do they do to the pairs of variables *before* it?
#
# VICReg with weights 25, 25, 25 acts on the digits of the lesson and the same encoder with 16 outputs: on the outputs themselves (**none**), on a trained *linear* map of them to 64 numbers, on a *trained* network of two layers of width 8 or 256, or on a *frozen* random layer of width 256 (linear, norm, ReLU, norm).
#
# We measure nHSIC over the 120 pairs of outputs (some 0.006 of it is chance, and is left in here); the same **after whitening**, where only dependence that no correlation sees is left; and the accuracy of a probe. Trained networks have two runs.
#
# *Guess first.* Which leaves more dependence, the narrow trained projector or the wide one? The linear one or the frozen random one? Where does the untrained network stand?

# %%
digits = recipes.tiny_mnist(standardized=False)
steps, batch = ch.pick(fast=130, toy=200), ch.pick(fast=128, toy=256)


# %%
def networks(kind, width, run=0):
    with training.seeded(ch.seed + run):
        encoder = nn.Sequential(nn.Flatten(), *models.mlp([196, 256, 16]), nn.BatchNorm1d(16, affine=False))
        if kind == "none":
            return encoder, nn.Identity()
        if kind == "linear":
            return encoder, nn.Linear(16, width)
        if kind == "trained":
            return encoder, models.mlp_head(16, width, width)
        layers = [nn.Linear(16, width), nn.BatchNorm1d(width), nn.ReLU(), nn.BatchNorm1d(width)]
        return encoder, nn.Sequential(*layers).requires_grad_(False)


# %%
def nhsic(z):
    parts = data.standardize(z, 0).split(400)
    return np.mean([losses.off_diagonal(evaluation.pairwise_nhsic(part)).mean() for part in parts])


def examine(encoder):
    z, z_test = (training.features(encoder, x).double() for x in [digits.x_train[:2000], digits.x_test])
    accuracy = evaluation.ridge_probe(z, digits.y_train[:2000], z_test, digits.y_test)
    return nhsic(z_test[:1200]), nhsic(losses.whiten(z_test[:1200])), accuracy


# %%
def train(kind, width, run):
    encoder, projector = networks(kind, width, run)
    vicreg = partial(losses.vicreg, inv=25.0, var=25.0, cov=25.0)
    knobs = {"seed": ch.seed + run, "steps": steps, "batch_size": batch, "lr": 3e-3}
    recipes.train_networks(encoder, projector, vicreg, digits.x_train, **knobs)
    return examine(encoder)


# %%
table = {"untrained": examine(networks("none", 16)[0])}
plan = [("none", 16), ("linear", 64), ("trained", 8), ("trained", 256), ("frozen", 256)]
count = ch.pick(fast=1, toy=2)
for kind, width in plan + ch.pick(fast=[], toy=[("trained", 64), ("frozen", 16), ("frozen", 64)]):
    runs = [train(kind, width, run) for run in range(count if kind == "trained" else 1)]
    table["none" if kind == "none" else f"{kind}, {width}"] = np.mean(runs, axis=0)
ch.figures.projectors(table, steps)

# %%
dependence, whitened, accuracy = ({name: row[i] for name, row in table.items()} for i in range(3))
ch.measure("width-on-digits", ratio=dependence["trained, 256"] / dependence["trained, 8"])
ch.measure("random-projector", ratio=dependence["linear, 64"] / dependence["frozen, 256"])

# %%
trained = [value for name, value in whitened.items() if name != "untrained"]
ch.measure("untrained-independent", ratio=min(trained) / whitened["untrained"])
ch.measure("frozen-reads-worse", lost=accuracy["trained, 256"] - accuracy["frozen, 256"])

# %% [markdown]
# **What you saw.** What the paper reports, in its direction: a wider trained projector leaves less dependence, and a wide frozen random one leaves the least. But three remarks. The plain VICReg without any projector leaves less than each *trained* projector: what stands behind a trained network is free to undo. The untrained network is, after whitening, as independent as any. And the probe prefers the trained projector of width 256 to the frozen one.
#
# So these numbers do not confirm the theorem, which the lesson's section 4 tests; they are observations beyond it.
#
# > **Check yourself.** A collapsed network gives the same number in all 16 outputs, up to noise. What is its nHSIC?

# %% [markdown]
# ## B · Against the specialist
#
# FastICA (Hyvärinen and Oja, 2000) was made for linear mixtures. It runs with its defaults and as many iterations as it likes; the penalty with 32 cosines and with 32 ReLUs of each output, as in the lesson. *Guess first.* By how much does the specialist win?


# %%
def errors_of(method, kind, run):
    sources = world.ica_sources(800, 3, kind, seed=ch.seed + run)
    matrix = torch.randn(3, 3, generator=torch.Generator().manual_seed(100 + ch.seed + run))
    mixture = sources @ matrix.double()
    if method == "FastICA":
        specialist = FastICA(whiten="unit-variance", random_state=ch.seed + run, max_iter=2000)
        outputs = specialist.fit_transform(mixture.numpy())
    else:
        projector = world.RandomFeatures(32, method, seed=ch.seed + run)
        outputs = world.vcreg_ica(mixture, projector, restarts=2, draws=20, steps=60, seed=ch.seed + run).y
    return 1 - evaluation.mean_correlation(outputs, sources)


# %%
runs = {"rff": ch.pick(fast=3, toy=8), "relu": ch.pick(fast=0, toy=4), "FastICA": ch.pick(fast=3, toy=8)}
errors = {}
for kind in ["uniform", "laplace"]:
    errors[kind] = {name: [errors_of(name, kind, run) for run in range(count)] for name, count in runs.items()}
ch.figures.rivals(errors)
behind = [np.median(np.subtract(errors[kind]["rff"], errors[kind]["FastICA"])) for kind in errors]
ch.measure("as-fastica", behind=behind)

# %% [markdown]
# **What you saw.** The specialist is a little better, but both do the job, and on these few mixtures ReLUs do it, too.
#
# > **Check yourself.** Why is a comparison on the *same* mixtures fairer than one of two averages?

# %% [markdown]
# ## C · When the mixture is bent
#
# Turn each point of a square by an angle that grows with its radius. An encoder and a decoder (2-64-64-2, tanh) are trained on 100 times the penalty (1) plus the reconstruction error, so that nothing is lost on the way. *Guess first.* Will the outputs be independent? Will they be the sources?


# %%
def parts(run):
    with training.seeded(ch.seed + run):
        encoder, decoder = (models.mlp([2, 64, 64, 2], nn.Tanh) for _ in range(2))
    return encoder, decoder, world.RandomFeatures(32, seed=ch.seed + run)


# %%
def untangle(run, steps):
    sources = world.ica_sources(400, 2, "uniform", seed=ch.seed + run)
    mixture = world.radial_rotation(sources).float()
    encoder, decoder, projector = parts(run)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=6e-3)
    for _ in range(steps):
        outputs = data.standardize(encoder(mixture), 0)
        reconstruction = (decoder(outputs) - mixture).square().mean()
        optimizer.zero_grad()
        (100 * world.cross_variable_covariance(projector(outputs)) + reconstruction).backward()
        optimizer.step()
    return sources, mixture, outputs.detach(), reconstruction.item()


# %%
bent = [untangle(run, steps=ch.pick(fast=300, toy=600)) for run in range(ch.pick(fast=2, toy=3))]
sources, mixture, outputs, _ = bent[0]
ch.figures.bent({"sources": sources, "turned by radius": mixture, "independent outputs": outputs}, sources[:, 0])
before = evaluation.pairwise_nhsic(bent[0][1])[0, 1]
print(f"nHSIC of the mixture {before:.4f}")

# %%
after = [evaluation.pairwise_nhsic(outputs)[0, 1] for _, _, outputs, _ in bent]
lost = [reconstruction for *_, reconstruction in bent]
missed = np.mean([1 - evaluation.mean_correlation(outputs, sources) for sources, _, outputs, _ in bent])
ch.measure("nonlinear-ica-fails", dependence=after, reconstruction=lost, missed=missed)

# %% [markdown]
# **What you saw.** *Follow the color, the first source.* The outputs fill a square: knowing one says nothing about the other, and each point can be recovered. But the bands of color lie askew. In a nonlinear world there are endlessly many independent coordinates (Hyvärinen and Pajunen, 1999), and independence does not pick the true ones. Labels can: [Cross-entropy inverts the world](../10_cross_entropy_identifiability/cross_entropy_identifiability.ipynb).
#
# > **Check yourself.** Which of the two, the penalty or the reconstruction, could be at fault here? How do the numbers show that neither is?

# %% [markdown]
# ## D · Three at once
#
# The measure that section 3 of the lesson used compares three averages of kernels: over the triple as drawn, over triples drawn separately, and over the mixed case (Pfister et al., 2018). With $(k_i)_{ab}$ the kernel of variable $i$ between the samples $a$ and $b$,
#
# $$ \mathrm{dHSIC} = \tfrac{1}{N^2} \sum_{ab} \prod_i (k_i)_{ab} + \prod_i \tfrac{1}{N^2} \sum_{ab} (k_i)_{ab} - \tfrac2N \sum_a \prod_i \tfrac1N \sum_b (k_i)_{ab} . \tag{3} $$
#
# Let the third coin be the product of the others with probability $(1 + t)/2$ only, $t$ being the **tie**: 0 is free, 1 is bound. *Guess first.* With 200 tosses, at which tie does the test begin to notice?


# %%
def dhsic(grams):
    k = torch.stack(grams)
    return (k.prod(0).mean() + k.mean((1, 2)).prod() - 2 * k.mean(2).prod(0).mean()).item()


free = [evaluation.gram_gaussian(coin) for coin in world.xor_triple(200, strength=0, seed=ch.seed).T]
critical_pair = evaluation.dhsic_null(free[:2], seed=ch.seed).quantile(0.95).item()
critical_all = evaluation.dhsic_null(free, seed=ch.seed).quantile(0.95).item()

# %%
shares, ties = [], np.round(np.linspace(0, 1, 21), 2)
for tie in ties:
    rejected = []
    for draw in range(ch.pick(fast=5, toy=40)):
        coins = world.xor_triple(200, strength=tie, seed=1000 * ch.seed + draw + 1)
        grams = [evaluation.gram_gaussian(coin) for coin in coins.T]
        pairs = np.mean([dhsic(list(pair)) > critical_pair for pair in combinations(grams, 2)])
        rejected.append([pairs, dhsic(grams) > critical_all])
    shares.append([tie, *np.mean(rejected, axis=0)])

# %% [markdown]
# **Drag `tied`.** The square shows how often the first two coins fall each way where the third is 1. It becomes a diagonal, the test of all three notices from a tie of 0.2 or so on, and the pairs stay near their 5 % throughout.

# %%
cb.explore(ch.figures.tie, shares, tied=(0.0, 1.0, 0.05), figsize=(7.6, 2.8))

# %% [markdown]
# > **Check yourself.** Show that (3) for two variables is HSIC: what does $\operatorname{tr}(k_1 H k_2 H)/N^2$ give, multiplied out?
#
# ## Claims of the lab

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **L1** ●●○ 25 min. The blindness of a layer that mixes is a limit. Take the turned square and layers of $\mathrm{width} = 8$ random cosines of both coordinates. How much does the penalty vary with the angle, and where is it smallest? Is this the sight that a projector needs?
#
# <details><summary>Hint</summary>Repeat the last experiment of the lesson for several draws of the layer.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●● 60 min. Add a penalty on triples to VICReg without projector: the dHSIC of four random triples of the outputs, at each step. Does dHSIC fall? Does the probe gain?
#
# <details><summary>Hint</summary>Standardize the columns, make their Gaussian kernel matrices, and put (3) for three of them into the loss. Which weight makes it felt beside VICReg's terms?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - G. Mialon, R. Balestriero, Y. LeCun. [Variance Covariance Regularization Enforces Pairwise Independence in Self-Supervised Representations](https://arxiv.org/abs/2209.14905), 2022.
# - A. Hyvärinen, E. Oja. Independent component analysis: algorithms and applications, 2000.
# - A. Hyvärinen, P. Pajunen. Nonlinear independent component analysis: existence and uniqueness results, 1999.
# - N. Pfister et al. [Kernel-based tests for joint independence](https://arxiv.org/abs/1603.00285), 2018.
