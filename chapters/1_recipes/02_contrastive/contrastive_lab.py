# %% [markdown]
# # Contrastive learning: lab
#
# For those who want more: what came before the softmax, and its relatives; why long embeddings turn slowly; how many negatives are infinitely many; MoCo's queue of old keys; and a contrastive loss that can be solved with a pencil. Sections stand alone. Equation numbers go on from the [lesson](contrastive.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, methods, recipes, spectral
from replearn.descent import minimize
from replearn.papers.contrastive import aged_keys

ch = cb.Chapter("contrastive_lab", scale=scale, seed=seed)
digits = recipes.tiny_mnist()

# %% [markdown]
# ## A · Before the softmax
#
# Contrastive learning began with pairs and triplets. With an anchor $a$, a positive $b$, a negative $c$ and a margin $\delta > 0$, the **pair loss** (Hadsell et al., 2006) asks $\|a - b\|^2$ of a positive pair and $\max(0, \delta - \|a - c\|)^2$ of a negative one. The **triplet loss** (Schroff et al., 2015) compares:
#
# $$ \mathcal{L}_{\text{triplet}} = \max\big(0,\ \delta + \|a - b\|^2 - \|a - c\|^2\big) . \tag{6} $$
#
# Both need a margin, and someone who finds negatives that still hurt. On the unit sphere $\|a - b\|^2 = 2 - 2\, a^\top b$, so with $\delta \to 0$ the triplet loss on the hardest negative is twice the hinge of (3).
#
# *Guess first.* Bound (3) says that the *values* meet as $\tau \to 0$. Do the *gradients*?

# %%
keys = F.normalize(torch.randn(65, 16, dtype=torch.float64), dim=1)
queries = F.normalize(keys + 0.3 * torch.randn(65, 16, dtype=torch.float64), dim=1).requires_grad_()
cosines = (queries @ keys.T).detach()
strangers = cosines - 2 * torch.eye(65)  # no positive is the hardest negative
beaten = strangers.max(1).values > cosines.diagonal()  # queries whose hardest negative beats the positive

triplets = losses.triplet_loss(queries, keys, keys[strangers.argmax(1)], margin=1e-9)
(triplet_gradient,) = torch.autograd.grad(triplets, queries)


# %%
def agreement(tau):
    loss = losses.info_nce(queries, keys, temperature=tau, normalize=False)
    (gradient,) = torch.autograd.grad(loss, queries)
    return F.cosine_similarity(gradient, triplet_gradient)[beaten].mean()


ch.measure("cold-is-triplet", cosine=agreement(0.001), hot=agreement(5))

# %% [markdown]
# **What you saw.** A cold softmax finds the hardest negative by itself, and pushes as the triplet loss would. Nobody has to search, and $\tau$ takes the place of the margin.
#
# > **Check yourself.** The gradients of queries that are not `beaten` were left out. What are they in each loss?

# %% [markdown]
# ## B · The relatives
#
# Each changes one piece of the lesson's loss (1).
#
# | method | its change | in the library |
# |---|---|---|
# | DCL (Yeh et al., 2022) | leaves the positive out of the denominator | `losses.dcl` |
# | SupCon (Khosla et al., 2020) | labels give several positives; averages their $-\log p$ | `losses.sup_con` |
# | NNCLR (Dwibedi et al., 2021) | the positive is replaced by its nearest neighbour in a queue | `methods.NNCLR` |
# | MoCo (He et al., 2020) | negatives come from a queue of old keys (section E) | `methods.MoCo` |
# | MoCo v3 (Chen et al., 2021) | no queue but 4,096 images a batch; a predictor on the query's side | |
# | MeanShift (Koohpayegani et al., 2021) | no negatives: pull towards the mean of nearest neighbours | |
#
# With a label of its own for each image, SupCon is NT-Xent. In the trials of this book NNCLR did not beat NT-Xent on the digits. [Self-distillation](../03_self_distillation/self_distillation.ipynb) goes the whole way without negatives; [the canonical-correlation family](../04_canonical_correlation/canonical_correlation.ipynb) contrasts dimensions instead of samples.

# %% [markdown]
# ## C · A long embedding turns slowly
#
# The loss sees only $\hat z = z / \|z\|$. What gradient arrives at $z$? Move $z$ by a small $h$: the part of $h$ along $z$ changes the length and not the direction, and the rest turns $\hat z$ by its size over $\|z\|$. So
#
# $$ \frac{\partial \mathcal{L}}{\partial z} = \frac{1}{\|z\|} \big(I - \hat z \hat z^\top\big) \frac{\partial \mathcal{L}}{\partial \hat z} . \tag{7} $$
#
# The matrix removes the part along $z$: the gradient $g$ is orthogonal to $z$. A step $-\epsilon g$ and $z$ are then the legs of a right triangle, and Pythagoras says $\|z - \epsilon g\|^2 = \|z\|^2 + \epsilon^2 \|g\|^2$. **Lengths never shrink.**
#
# *Guess first.* Start with embeddings ten times longer. By which factor does a step's angle change?

# %%
start = torch.randn(2, 64, 16, dtype=torch.float64)


def step(z, rate):
    z = z.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(losses.nt_xent(z[0], z[1], temperature=0.2), z)
    return z.detach() - rate * gradient


def turned(z):
    sine = (F.normalize(step(z, 0.1), dim=2) - F.normalize(z, dim=2)).norm(dim=2)
    return sine.mean()


# %%
z, squared = start, [start.square().sum(2)]
predicted = squared[0]
for _ in range(200):
    new = step(z, rate=100)  # the loss is a mean over 128 views, so each gradient is small
    predicted = predicted + (new - z).square().sum(2)
    z = new
    squared.append(z.square().sum(2))

off = (squared[-1] / predicted - 1).abs().max()
growth = (squared[-1] / squared[0]).sqrt().min()
ch.measure("lengthens", pythagoras=off, growth=growth, turn=turned(10 * start) / turned(start))

# %%
ch.figures.lengths(torch.stack(squared).sqrt()[:31, 0, :12])  # twelve embeddings, thirty steps

# %% [markdown]
# **What you saw.** *Look at the curves:* none ever falls. The factor is $1/100$: once for the gradient, once because a longer vector turns less. Plain descent slows itself down; the toy here moves free embeddings, while in a network weight decay and normalization layers act against it.
#
# > **Check yourself.** Does (7) say that embeddings must grow under momentum, too?

# %% [markdown]
# ## D · How many negatives are infinitely many?
#
# The limit (4) of the lesson can be computed. Let partners coincide and embeddings be uniform on the sphere in $\mathbb{R}^K$. The cosine $u$ of two independent points then has a density in proportion to $(1 - u^2)^{(K - 3)/2}$, so that
#
# $$ \mathcal{L} - \log M \ \longrightarrow\ -\frac1\tau + \log \int_{-1}^{1} e^{u / \tau}\, \frac{(1 - u^2)^{(K-3)/2}}{\int (1 - t^2)^{(K-3)/2}\, dt}\, du . $$
#
# One integral, no training. (Written out, it is a Bessel function.) Wang and Isola prove that the distance goes to 0.
#
# *Guess first.* With $K = 16$ and $\tau = 0.5$: how far away are 8, and how far 512 negatives?

# %%
u = np.linspace(-1, 1, 20_001)
density = (1 - u**2) ** ((16 - 3) / 2)
limit = -1 / 0.5 + np.log(np.average(np.exp(u / 0.5), weights=density))


def distance(M):
    z = F.normalize(torch.randn(50, 1000, 16), dim=2)
    others = F.normalize(torch.randn(50, M, 16), dim=2)
    loss = F.softplus((z @ others.mT / 0.5).logsumexp(2) - 1 / 0.5).mean()  # -log p, the positive's cosine is 1
    return loss.item() - np.log(M) - limit


# %%
sizes = [8, 32, 128, 512]
errors = [distance(M) for M in sizes]
rate, _ = np.polyfit(np.log(sizes), np.log(errors), 1)
ch.measure("many-negatives", error=errors[-1], rate=rate)
ch.figures.approach(sizes, errors)

# %% [markdown]
# **What you saw.** *Compare the dots with the dashed line:* nearly $1/M$. At $\tau = 0.5$ a few hundred negatives are as good as infinitely many. A colder loss needs more, since the positive alone weighs $e^{1/\tau}$ in the denominator.
#
# > **Check yourself.** At $\tau = 0.1$, how many negatives weigh as much as one positive of cosine 1?

# %% [markdown]
# ## E · A queue of old keys
#
# Many negatives need large batches, or a memory. **MoCo** (He et al., 2020) keeps the keys of past batches in a queue, first in, first out. But an old key was made by an old network. So keys come from a network of their own, whose weights
#
# $$ \theta_k \leftarrow m\, \theta_k + (1 - m)\, \theta_q $$
#
# follow those of the query network, $\theta_q$, slowly, and get no gradient. The number $m$ is the momentum. Here is the library's step; `gather` and `autocast` are there for several devices and for half precision.

# %%
cb.show_source(methods.MoCo.step)

# %%
cb.show_source(methods.MoCo.after_step)

# %% [markdown]
# Are old keys still true? We train for 120 steps of 32 images at a constant learning rate; the queue of 1,024 keys then holds those of the last 32 steps. We encode the same crops once more, with the key network of *now*, and ask of each stored key:
#
# - its cosine with its own new key, and with the new keys of strangers;
# - whether it **finds itself**: is its own the nearest of all 1,024 new keys?
#
# *Guess first.* The cosine at the age of 31 steps: where will $m = 0$ end, where $m = 0.9$, where $m = 0.99$?


# %%
def train_moco(m, seed):
    encoder, projector = recipes.tiny_encoder(recipes.TINY_SHORT, seed=seed)
    moco = methods.MoCo(encoder, projector, losses.info_nce, recipes.tiny_crop, size=1024, decay=m, seed=seed)
    stored, renewed = aged_keys(moco, digits.x_train, seed=seed)
    return stored, renewed, recipes.low_shot(encoder, digits)


def compare(stored, renewed):
    cosines = F.normalize(stored.flatten(0, 1), dim=1) @ F.normalize(renewed.flatten(0, 1), dim=1).T
    own = cosines.diagonal()
    strangers = (cosines.sum(1) - own) / 1023
    found = (cosines.argmax(1) == torch.arange(1024)).float()
    return torch.stack([own, strangers, found]).view(3, 32, 32).mean(2)  # by age: 32 keys in each of 32 steps


# %%
momenta = ch.pick(fast=[0, 0.99], toy=[0, 0.9, 0.99, 0.999])
seeds = ch.pick(fast=[ch.seed], toy=[ch.seed, ch.seed + 1])
by_age, accuracy = {}, {}
for m in momenta:
    runs = [train_moco(m, s) for s in seeds]
    by_age[m] = torch.stack([compare(stored, renewed) for stored, renewed, _ in runs])
    accuracy[m] = np.array([score for *_, score in runs])

# %%
slow, fast = by_age[0.99].mean(2), by_age[0].mean(2)  # a row for each seed: own, strangers, found
gain = accuracy[0.99] - accuracy[0]
ch.measure("fresh-keys", slow=slow[:, 2], fast=fast[:, 2], cosine=slow[:, 0] - fast[:, 0], accuracy=gain)
ch.measure("crowded-keys", strangers=fast[:, 1] - slow[:, 1])

# %%
ch.figures.ages({m: table.mean(0) for m, table in by_age.items()}, accuracy)

# %% [markdown]
# *Look left first.* By the solid lines, $m = 0$ seems to keep its keys better than $m = 0.9$. The dotted lines warn us: with fast key networks the new keys of *strangers* are nearly as close. All keys crowd together, and in a crowd a high cosine says little. A likely reason: the queue lies wherever the network just was, so that moving the whole crowd away from it lowers the loss without telling any two images apart.
#
# *Now look right.* Asked to find themselves, old keys rank as in the paper's ablation: $m = 0$ fails; $0.9$ forgets, since it averages over about $1 / (1 - m) = 10$ steps and the queue is 32 steps long; $0.99$ holds.
#
# **What you saw.** A slow key network keeps old keys true, and a fast one costs accuracy. More truth than at 0.99 buys nothing here: at $m = 0.999$ the key network is still $0.999^{120} = 89$ % its random start.
#
# > **Check yourself.** Which $m$ would a queue of 65,536 keys need, with 256 images a batch?

# %% [markdown]
# **A queue does not pay here.** In our trials with 8 digits a batch, MoCo with 1,024 old keys stayed below NT-Xent with its 14 negatives: only one of two views gets a gradient, and digits need few negatives. On ImageNet it is otherwise: the paper's accuracy rises with the queue.

# %% [markdown]
# ## F · A contrastive loss that can be solved
#
# Replace the logarithm of the sum by a square, and the optimum is an eigenproblem (HaoChen et al., 2021). Let there be finitely many views; $A_{ij}$ is the probability that $i$ and $j$ are drawn as a positive pair, $w_i = \sum_j A_{ij}$ that of view $i$, and $f_i \in \mathbb{R}^K$ its embedding. Put $u_i = \sqrt{w_i}\, f_i$, the rows of $U$, and $\bar A_{ij} = A_{ij} / \sqrt{w_i w_j}$. The **spectral contrastive loss** is
#
# $$ \mathcal{L} = -2 \sum_{ij} A_{ij}\, f_i^\top f_j + \sum_{ij} w_i w_j\, (f_i^\top f_j)^2 \ =\ \|\bar A - U U^\top\|^2 - \|\bar A\|^2 , \tag{8} $$
#
# in the sum-of-squares norm: expand the square on the right to see it. The theorem of Eckart and Young says which matrix of rank $K$ is nearest to a symmetric one without negative eigenvalues: the one that keeps its $K$ largest eigenvalues. So the minimum is $-(\lambda_1^2 + \dots + \lambda_K^2)$, with $\lambda_j$ the eigenvalues of $\bar A$.

# %% [markdown]
# Take five images and twelve views; each image shows every view with some probability. The `concentration` says over how many views an image spreads: small, and images share no view; large, and all look alike.
#
# *Guess first.* With no shared views, how many eigenvalues are 1?

# %%
levels = np.random.default_rng(ch.seed).uniform(size=(5, 12))
cb.explore(ch.figures.graph, levels, dimensions=(1, 6), concentration=cb.log_slider(0.3, 0.05, 3), figsize=(7.2, 2.9))

# %%
A, w, A_bar = ch.figures.view_graph(1, levels)
start = torch.randn(12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(ch.seed))


def spectral_loss(f):
    inner = f @ f.T
    return -2 * (A * inner).sum() + (torch.outer(w, w) * inner.square()).sum()


U = w.sqrt()[:, None] * start
right_side = (A_bar - U @ U.T).square().sum() - A_bar.square().sum()

# %%
(f,) = minimize(spectral_loss, [start], steps=2000)
best = spectral.contrastive_embedding(A_bar, 3).eigenvalues
found = np.linalg.eigvalsh(f.T @ (w[:, None] * f))[::-1]
ch.measure(
    "factorizes",
    identity=abs(spectral_loss(start) - right_side),
    minimum=abs(spectral_loss(f) + np.sum(best**2)),
    eigenvalues=abs(found - best).max(),
)

# %% [markdown]
# **What you saw.** Descent knows nothing of eigenvalues, and ends at them. *In the slider:* at small `concentration` there are five blocks and five ones, and $K = 5$ keeps everything; raise it, and all but the first sink.
#
# > **Check yourself.** Why is the largest eigenvalue always 1?
#
# Part 2 does this for all families: [Spectral embedding](../../2_spectral/01_spectral_embedding/spectral_embedding.ipynb). For batches there is `losses.spectral_contrastive`.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. DCL leaves the positive out of the denominator. Which side of (3) breaks, and can the loss become negative?
#
# <details><summary>Hint</summary>The sum now has $M$ terms, and none of them is 1.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●○○ 10 min. The uniformity loss uses $e^{-2\|\hat z - \hat z'\|^2}$, the limit (4) of the lesson uses $e^{\hat z^\top \hat z' / \tau}$. Which temperature makes them the same, up to a constant?
#
# <details><summary>Hint</summary>Expand the square of two vectors of length 1.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●○ 40 min. Prove that $\log N - \mathcal{L}$ is on average at most $I(v; v')$, for any positive scores $e^{s / \tau}$.
#
# <details><summary>Hint</summary>The softmax guesses which of $N$ keys is the partner. No guess can beat Bayes' rule, whose scores are $p(v' \mid v) / p(v')$. Then use that the other keys' ratios have mean 1, and that $\log(1 + x)$ bends.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●● 60 min. Up to which age do nine of ten stored keys find themselves, as a function of $m$? Compare with the memory $1 / (1 - m)$ of the average.
#
# <details><summary>Hint</summary>`compare(...)[2]` is the share by age. Try $m$ = 0, 0.5, 0.9, 0.95.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L5** ●●● 60 min. Suppose a share $\pi = 0.1$ of the negatives is false. Let $\mu$ be the mean of $e^{s_j / \tau}$ over a query's negatives. Chuang et al. (2020) replace it by $\max\big(e^{-1/\tau},\ (\mu - \pi e^{s_+ / \tau}) / (1 - \pi)\big)$. Why? Does low-shot accuracy move?
#
# <details><summary>Hint</summary>The mean over all keys is a mixture: $\pi$ of your own class, $1 - \pi$ of others. Solve for the others.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Hadsell, S. Chopra, Y. LeCun. Dimensionality reduction by learning an invariant mapping, 2006. F. Schroff et al. [FaceNet](https://arxiv.org/abs/1503.03832), 2015. K. He et al. [MoCo](https://arxiv.org/abs/1911.05722), 2020; X. Chen et al. [MoCo v3](https://arxiv.org/abs/2104.02057), 2021.
# - P. Khosla et al. [SupCon](https://arxiv.org/abs/2004.11362), 2020. C.-H. Yeh et al. [DCL](https://arxiv.org/abs/2110.06848), 2022. D. Dwibedi et al. [NNCLR](https://arxiv.org/abs/2104.14548), 2021. S. A. Koohpayegani et al. [MeanShift](https://arxiv.org/abs/2105.07269), 2021.
# - T. Wang, P. Isola. [Alignment and uniformity](https://arxiv.org/abs/2005.10242), 2020. F. Wang, H. Liu. [Behaviour of contrastive loss](https://arxiv.org/abs/2012.09740), 2021. J. HaoChen et al. [Spectral contrastive loss](https://arxiv.org/abs/2106.04156), 2021. C.-Y. Chuang et al. [Debiased contrastive learning](https://arxiv.org/abs/2007.00224), 2020. B. Poole et al. [Variational bounds of mutual information](https://arxiv.org/abs/1905.06922), 2019.
