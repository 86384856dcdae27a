# %% [markdown]
# # When networks agree, and when they are right
#
# Networks that were trained by different methods on different data seem to grow alike. Perhaps, some say, because all of them find *the* picture of the world. Why should they? And if they agree, are they right?
#
# After this lesson you can say when two networks that never met must agree, build three that agree and are all wrong, and count, exactly, in how many ways a model can be moved without its loss taking notice.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from torch.nn import functional

import cookbook as cb
from replearn import data, evaluation, losses, models, spectral, training
from replearn.papers import singular_identifiability as paper

ch = cb.Chapter("singular_identifiability", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=2))

# %% jupyter={"source_hidden": true}
info_nce = partial(losses.info_nce, similarity="sqdist", normalize=False, temperature=0.2)
vicreg = partial(losses.vicreg, cov=25.0)
haochen = partial(losses.spectral_contrastive, centered=True)
loop = {"steps": ch.pick(fast=250, toy=400), "batch_size": 256, "lr": 0.02}


def encoder(seed, width=64, layers=4):
    with training.seeded(seed):
        return models.mlp_head(3, width, 3, layers=layers)


# %% [markdown]
# ## 1 · Six networks that never met
#
# The [last chapter](../10_cross_entropy_identifiability/cross_entropy_identifiability.ipynb) has a world in which one can ask. Things lie at **places** $u$ on a globe, the sphere $S^{d-1}$ in $d = 3$ dimensions. A network never sees $u$, only what an unknown distorting glass makes of it, $x$. It has three outputs, the **embedding** $z$.
#
# Six networks look at this globe. Three learn by InfoNCE (two random starts, and one of another shape), one by VICReg, one by the spectral contrastive loss, one from the names of twenty towns. Where a loss ends far above that of the true places, `train_world` starts again; it never looks at a place otherwise.


# %%
def from_pairs(loss, world, seed, build=encoder):
    return paper.train_world(build, loss, world, stop_below=0.05, seed=seed, **loop)[0].encoder


def from_names(world, seed):
    return paper.train_world_classes(encoder, world, stop_below=0.04, seed=seed, **loop)[0]


# %% jupyter={"source_hidden": true}
def six_networks(world, seed):
    return {
        "InfoNCE": from_pairs(info_nce, world, seed),
        "InfoNCE, again": from_pairs(info_nce, world, seed + 10),
        "InfoNCE, wide": from_pairs(info_nce, world, seed + 20, partial(encoder, width=96, layers=3)),
        "VICReg": from_pairs(vicreg, world, seed + 30),
        "spectral": from_pairs(haochen, world, seed + 40),
        "20 names": from_names(world, seed + 50).encoder,
    }


# %%
worlds = [data.latent_world(3, n_classes=20, kappa=5.0, seed=s) for s in seeds]
trained = [six_networks(world, 100 * s) for world, s in zip(worlds, seeds, strict=True)]
ch.figures.six_globes(worlds[0], trained[0])

# %% [markdown]
# *Compare the two rows.* Above, what each network makes of the front of the globe: two of its three outputs, as they are. Below, the same after *one* linear map each, fitted to agree with the first network. No network has seen another, nor the globe. (The dent at the lower right is in all six: they share a mistake, too.)
#
# **Why?** Start with InfoNCE. Two views of a thing are places $u$ and $u'$ that are near to each other, $p(u' \mid u) \propto e^{\kappa\, u^\top u'}$ with the concentration $\kappa = 5$. In a batch of $N$ pairs, the loss asks which $z_j'$ belongs to $z$:
#
# $$ \mathcal L = \mathbb E \Big[ -\log \frac{e^{-\frac\kappa2 \|z - z'\|^2}}{\sum_{j=1}^N e^{-\frac\kappa2 \|z - z_j'\|^2}} \Big] . \tag{1} $$

# %% [markdown]
# It is the cross-entropy of a guess, so it is smallest where the guess is the truth: where, up to a number $a(u)$ that depends on $u$ alone,
#
# $$ -\tfrac\kappa2 \|z - z'\|^2 = \log \frac{p(u' \mid u)}{p(u')} + a(u) . $$
#
# On the sphere $\kappa\, u^\top u' = \kappa - \frac\kappa2 \|u - u'\|^2$, and $p(u')$ is constant. So $\|z - z'\|^2 = \|u - u'\|^2$ up to a number for each $u$, and $u' = u$ shows that this number is 0. The embedding **keeps all distances**: it is the globe, turned and shifted (Zimmermann et al., 2021).
#
# The other losses end, each for a reason of its own, at $z = F u$ with some invertible matrix $F$ (a shift left aside): cross-entropy by the last chapter, VICReg and the spectral loss because the functions on which the two views of a pair agree best are the coordinates of $u$ ([spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb)). And then
#
# $$ z = F u \quad\text{and}\quad \tilde z = \tilde F u \quad\Longrightarrow\quad \tilde z = \tilde F F^{-1} z . \tag{2} $$
#
# **If two networks are right up to a linear map, they agree up to a linear map**, whatever their starts, shapes and losses.

# %% [markdown]
# To measure it: **truth** is the $R^2$ of a linear regression of $u$ on $z$. **Agreement** is the same between two embeddings, the worse of both directions. Both are fitted on half of 2,000 new things and scored on the others.
#
# *Guess first.* How large is the agreement of two *untrained* networks? And what does $x$ itself know, linearly, of $u$?


# %%
def look(networks, world, n=2000):
    places = world.sample(n, torch.Generator().manual_seed(2))
    x = world.render(places)
    z = [training.features(network, x) for network in networks]
    return places, x, [embedding - embedding.mean(0) for embedding in z]


def agreement(embeddings):
    return evaluation.cross_r2(embeddings).numpy()[np.triu_indices(len(embeddings), 1)]


# %%
seen = [look(six.values(), world) for six, world in zip(trained, worlds, strict=True)]
missing = [1 - min(evaluation.linear_r2(z, places) for z in six) for places, _, six in seen]
apart = [1 - agreement(six).min() for *_, six in seen]
ch.measure("right-so-agree", missing=missing, apart=apart)

places, x, six = seen[0]
blank = [training.warm_up_batch_norm(encoder(1000 + k), x) for k in range(6)]
*_, untrained = look(blank, worlds[0])
input_misses = 1 - evaluation.linear_r2(x, places)
ch.measure("not-before", apart=1 - agreement(untrained).mean(), input=input_misses)
ch.figures.agreement([*six, *untrained[:2]], places, [*trained[0], "untrained", "untrained, again"])

# %% [markdown]
# **What you saw.** Four losses, two shapes, three starts of InfoNCE: one representation, up to a linear map. Untrained networks agree to about a half: random functions of the same three numbers have a linear part in common.
#
# > **Check yourself.** Two networks have $z = F u$ and $\tilde z = \tilde F u$, where $\tilde F$ is *not* invertible. Which direction of the regression still works? ([Answers](singular_identifiability_solutions.ipynb))
#
# ## 2 · So if they agree, are they right?
#
# (2) reads: right, so agree. Turn it around. Same world, same glass, but only *three* of the towns have names. Three networks learn them, from different starts. *Guess first:* will they agree? Will they be right?

# %%
three = [world._replace(centres=world.centres[:3]) for world in worlds]
runs = [[from_names(world, 100 * s + k) for k in (60, 70, 80)] for world, s in zip(three, seeds, strict=True)]


def answers(run):
    """The network up to the scores of the names; of these only differences count, so their mean is taken away."""
    run.head.weight.data -= run.head.weight.data.mean(0)
    return torch.nn.Sequential(run.encoder, run.head)


# %%
found = [look(map(answers, some), world) for some, world in zip(runs, three, strict=True)]
gap = [max(run.gap for run in some) for some in runs]
truth = [np.mean([evaluation.linear_r2(z, places) for z in some]) for places, _, some in found]
between = [agreement(some).mean() for *_, some in found]
ch.measure("agreement-is-not-truth", apart=1 - np.array(between), gap=gap, missing=1 - np.array(truth))

# %% [markdown]
# **What you saw.** The scores agree as well as the six did. Their loss is nearly the best possible one (the **gap** to it is a hundredth of a nat or two). And about a third of the truth is missing.
#
# It must be so. The loss sees only differences of the scores, which for *three* names are two numbers. With town centres $v_c$ they have to be $\log p(i \mid u) / p(j \mid u) = \kappa\, (v_i - v_j)^\top u$: two axes of $u$, those that the differences of the centres span. *Guess first:* what is the $R^2$ of these two, and of the third one, across? And what of the third is left in the embeddings, *before* the scores?


# %%
def by_axis(world, embeddings, places):
    centres = world.centres - world.centres.mean(0)
    axes = torch.linalg.svd(centres).Vh  # two that the differences span, and the one across
    return np.array([[evaluation.linear_r2(z, places @ axis) for axis in axes] for z in embeddings])


scores = [by_axis(world, some, places) for world, (places, _, some) in zip(three, found, strict=True)]
along, across = [s[:, :2].min() for s in scores], [s[:, 2].max() for s in scores]
ch.measure("same-two-thirds", along=1 - np.array(along), across=across)
inside = by_axis(three[0], look([run.encoder for run in runs[0]], three[0])[2], places)[:, 2]
print("the third axis in the embeddings:", inside.round(2))
ch.figures.not_truth(scores[0], between[0], by_axis(three[0], [x], places)[0])

# %% [markdown]
# **What you saw.** They agree *because* they are right, about the same two axes. On the third their answers say nothing, while $x$ knew a good deal; what the embeddings hold of it differs from start to start. What networks share tells what they were asked, and nothing about what they were not asked.
#
# > **Check yourself.** Someone finds that all large networks agree, and concludes that they have found the world. Which experiment would you ask for?
#
# ## 3 · How many answers are equally good?
#
# Forget networks. Write down a free embedding $z_i \in \mathbb R^d$ for each of $N$ places $u_i$, and a row $w_c$ for each of $t$ towns. This **table** of $(N + t)\, d$ numbers is the most flexible model there is. Its loss is
#
# $$ \mathcal L = -\frac1N \sum_{i=1}^N \sum_{c=1}^t p(c \mid u_i) \log \frac{e^{w_c^\top z_i}}{\sum_j e^{w_j^\top z_i}} , \tag{3} $$
#
# smallest at $z_i = \kappa u_i$, $w_c = v_c$. From there, three walks: turn everything; stretch all $z_i$ along one axis and shrink the $w_c$; move *one* place, in the direction in which the rows $w_c$ differ least. *Guess first:* which walks does the loss feel, with twenty towns? With three?


# %%
def directions(count, d, generator):
    return functional.normalize(torch.randn(count, d, dtype=torch.float64, generator=generator), dim=1)


def table(towns=20, d=3, N=20, unit_rows=False, draw=ch.seed):
    generator = torch.Generator().manual_seed(draw)
    u, v = directions(N, d, generator), directions(towns, d, generator)
    return paper.tabular_classifier(v, u, kappa=5.0, unit_rows=unit_rows)


ch.figures.walks(table)

# %% [markdown]
# Each walk that is not felt is a direction in which the loss does not bend: a **flat direction**, an eigenvector of the Hessian (the matrix of second derivatives) with eigenvalue 0. Which are there? A small step $\delta z_i, \delta w_c$ is not felt if it moves all scores of a place alike (the softmax sees only differences):
#
# $$ w_c^\top \delta z_i + z_i^\top \delta w_c \ \text{ is the same for all } c, \text{ for each place } i . \tag{4} $$
#
# Count the solutions, for towns and places in general position and $N$ large enough:
#
# | head | flat directions | they are |
# |---|---|---|
# | free, $t > d$ | $d^2 + d$ | any matrix $z \to F z$, undone in the head; one vector added to all $w_c$ |
# | unit rows, $t > d$ | $\max\big(d^2 + d,\ t + \frac{d(d-1)}2\big)$ | $t$ lengths that do not count, rotations, and what is left of matrix and vector when all rows must keep their length (for each quadric through all centres, one; lab, L4) |
# | $t \le d$ | $(N + t)\, d - N (t - 1)$ | each place is known in $t - 1$ directions only |
#
# *Unit rows* means that only the direction of $w_c$ is used. (These counts are this book's.)


# %%
def predicted(towns, d, N=20, unit_rows=False):
    if towns <= d:
        return (N + towns) * d - N * (towns - 1)
    return max(d**2 + d, towns + d * (d - 1) // 2) if unit_rows else d**2 + d


# %% [markdown]
# **Drag `towns`.** Each dot is an eigenvalue of the exact Hessian, computed while you drag. The orange ones are zero to the last digit, and below the others lies an empty stretch of many powers of ten, so that counting is safe. From `towns` $= d$ downwards the flat part jumps. With `unit_rows`, up to how many towns does the count stay the same?

# %%
cb.explore(ch.figures.count, table, predicted, towns=(2, 24), d=(2, 4), unit_rows=True)


# %%
def miscounted(settings, **head):
    errors = []  # of the prediction, over three draws of each setting (towns, d, N)
    for setting in settings:
        for draw in range(3):
            flat = paper.flat_directions(*table(*setting, draw=3 * ch.seed + draw, **head))
            errors.append(abs(flat.nullity - predicted(*setting, **head)))
    return max(errors)


free = miscounted([(5, 2, 20), (4, 3, 20), (20, 3, 20), (6, 4, 20)])
unit = miscounted([(6, 2, 20), (5, 3, 20), (10, 3, 20), (16, 4, 16)], unit_rows=True)
few = miscounted([(3, 3, 20), (3, 3, 30), (2, 3, 20)])
ch.measure("flat-directions", free=free, unit_rows=unit, few=few)

# %% [markdown]
# **What you saw.** The count is exact. And where towns are too few, *every further place brings a flat direction of its own*: flatness grows with the data. A model with flat directions at its optimum is called **singular** (Watanabe, 2009). Rules that count parameters do not apply to it: BIC charges $\frac{\#\theta}2 \log n$ for the $\#\theta$ parameters $\theta$ of a model and $n$ observations, flat or not. The [lab](singular_identifiability_lab.ipynb) measures the true price.
#
# The paper asks for a **singular identifiability theory**: one that knows flat directions, finite data, training and architectures, where the theorems behind (2) know only the optimum.
#
# > **Check yourself.** Put twenty towns on the equator of the globe. Does each further place bring a flat direction? Try it with `table`'s ingredients.

# %% [markdown]
# ## 4 · The ninth town
#
# The second row of the table makes a sharp prediction. For unit rows in $d = 3$, lengths and rotations are $t + 3$ flat directions; the count says 12 as long as $t + 3 < 12$. So up to *eight* towns there is more freedom than a rotation, and from the *ninth* on there is none.
#
# Does a training notice? Let descent find the optimum from random starts, and keep the ends whose loss is the best possible one. Then turn each onto the true places and look at what is left. (Of fifty draws of nine towns we take the one that is farthest from special position: a *quadric* is a surface with an equation of degree 2, as the sphere is; nine towns that nearly lie on a second one behave like eight for a long time.)
#
# *Guess first:* what will the ninth town change, a little or all?

# %%
generator = torch.Generator().manual_seed(ch.seed)
places = directions(20, 3, generator)
nine = max([directions(9, 3, generator) for _ in range(50)], key=paper.quadric_gap)


def off_a_rotation(towns, starts=4):
    """What the best rotation leaves between the true places and each end of a descent that has the best loss."""
    loss, best = paper.tabular_classifier(nine[:towns], places, kappa=5.0, unit_rows=True)
    draws = torch.randn(starts, len(best), dtype=best.dtype, generator=generator)
    ends = [paper.descend(loss, start) for start in draws]
    z = [end[:60].view(20, 3) / 5 for end in ends if loss(end) - loss(best) < 1e-9]
    return [spectral.procrustes(globe, places).residual for globe in z]


# %%
residual = {towns: off_a_rotation(towns) for towns in ch.pick(fast=[8, 9], toy=[6, 7, 8, 9])}
ch.measure("ninth-town", eight=max(residual[8]), nine=max(residual[9]))
ch.figures.ninth_town(residual)

# %% [markdown]
# **What you saw.** With eight towns, descents that reach exactly the best loss end at *different* globes, up to several percent from the true one. With nine they end at one, to the last digits. No loss curve would show it; a count on paper did.
#
# > **Check yourself.** Which is the smallest number of towns that leaves only a rotation in $d = 2$?
#
# ## 5 · A sharper ruler
#
# Untrained networks agree to a half for nothing, and with many more outputs than three, linear maps fit nearly anything. **Mutual kNN** asks instead: which share of a thing's ten nearest neighbours is the same in both? Pure chance gives $10 / 1999$. But that is too weak a rival: things that look alike are near each other in *any* network. The honest rival is $x$. *Guess first:* do the six share more neighbours with each other than with what they were given?

# %%
shared = [[evaluation.mutual_knn(six[0], z) for z in six[1:]] for *_, six in seen]
given = [[evaluation.mutual_knn(x, z) for z in six] for _, x, six in seen]
at_random = evaluation.mutual_knn(untrained[0], untrained[1])
print(f"trained {np.mean(shared):.2f}, trained with x {np.mean(given):.2f}, untrained {at_random:.2f}")
ch.measure("beyond-the-input", gain=np.min(shared, axis=1) - np.max(given, axis=1))

# %% [markdown]
# **What you saw.** Yes, by a wide margin; and the untrained ones share fifty times what chance would give.
#
# ## What breaks
#
# - **This proves no hypothesis about large networks.** The paper is a position and has no experiments; every number here is ours, in a world of three dimensions behind a glass through which $x$ already knows most of $u$. Section 2 shows the missing step: agreement does not tell what was never asked.
# - **Theorems are about the optimum.** With the usual cosine in (1) the optimum is the same, yet training often ends in a folded globe (lab, C).
# - **The count is local, and of a table.** Networks have symmetries of their own. Towns in special position, as on one circle, leave more.

# %% [markdown]
# ## Summary
#
# 1. InfoNCE's optimum keeps all distances; other losses end at $z = F u$ too.
# 2. Two networks that are right up to a linear map agree up to a linear map. Measure against the input and the untrained network.
# 3. The converse fails: three networks agree about the two axes they were asked about, and their answers miss the third.
# 4. Flat directions can be counted: $d^2 + d$ for a free head, one more for each place when towns are too few.
# 5. With unit rows the ninth town, and not the fourth, leaves only a rotation.

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1** ●○○ 10 min. Find the $d^2 + d = 2$ flat directions for $d = 1$ by hand. Check with four towns and five places.
#
# <details><summary>Hint</summary>The scores are products of one z and one w. Which changes of all of them leave every difference of two scores of a place as it is?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●○○ 15 min. Make two representations that agree perfectly, with an $R^2$ of the places of zero.
#
# <details><summary>Hint</summary>Which functions of a place on the globe have nothing linear in them?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 60 min. Predict the count for twenty towns on the equator, free head, $d = 3$, as a function of $N$. Check it for two values of $N$.
#
# <details><summary>Hint</summary>In which directions do the rows differ? Sort the unknowns of (4) into those along the plane and those across it.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - P. Reizinger, R. Balestriero, D. Klindt, W. Brendel. [Position: An Empirically Grounded Identifiability Theory Will Accelerate Self-Supervised Learning Research](https://arxiv.org/abs/2504.13101). *ICML*, 2025.
# - M. Huh et al. [The Platonic Representation Hypothesis](https://arxiv.org/abs/2405.07987). *ICML*, 2024.
# - R. S. Zimmermann et al. Contrastive Learning Inverts the Data Generating Process. *ICML*, 2021. J. HaoChen et al. Provable Guarantees for Self-Supervised Deep Learning with Spectral Contrastive Loss. *NeurIPS*, 2021. S. Watanabe. *Algebraic Geometry and Statistical Learning Theory*. 2009.
