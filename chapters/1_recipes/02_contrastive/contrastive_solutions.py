# %% [markdown]
# # Contrastive learning: solutions
#
# Try first. The exercises stand in the [lesson](contrastive.ipynb) and in the [lab](contrastive_lab.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, methods, recipes
from replearn.descent import minimize
from replearn.papers.contrastive import aged_keys

ch = cb.Chapter("contrastive_solutions", scale=scale, seed=seed)
digits = recipes.tiny_mnist()

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. For which scores is the right inequality of (3) an equality? For which temperature is the left one?
#
# The bracket holds $M + 1$ positive terms: 1 and the $e^{(s_j - s_+)/\tau}$. It is $M + 1$ times its largest term exactly when all terms are equal: every $s_j = s_+$. Then $\mathcal{L} = \log(M + 1)$, the price of knowing nothing.
#
# The left side is an equality only if one term is the whole sum. But all are positive, so with a negative it is strict at every $\tau > 0$, and reached in the limit $\tau \to 0$.

# %% tags=["solution"]
same = torch.ones(65, 3)
print(f"{losses.info_nce(same, same, temperature=0.2):.4f} = log 65 = {np.log(65):.4f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 30 min. What is the smallest NT-Xent that $N$ images can have, in enough dimensions?
#
# Partners coincide, $s_+ = 1$. The sum of $N$ unit vectors has squared length $N + \sum_{i \ne j} \hat z_i^\top \hat z_j \ge 0$, so the mean cosine of two images is at least $-1/(N - 1)$. Since $e^{s / \tau}$ bends upwards, and log of a sum of exponentials is convex, equal cosines are best: the points form a regular simplex, which needs $K \ge N - 1$ dimensions. Each view has $2N - 2$ negatives, so
#
# $$ \mathcal{L}_{\min} = \log\Big(1 + (2N - 2)\, e^{-\frac{N}{(N - 1)\, \tau}}\Big) . $$

# %% tags=["solution"]
start = torch.randn(2, 5, 8, dtype=torch.float64)
(free,) = minimize(lambda z: losses.nt_xent(z[0], z[1], temperature=0.5), [start])
formula = np.log1p(8 * np.exp(-5 / 4 / 0.5))
print(f"formula {formula:.6f}, descent {losses.nt_xent(free[0], free[1], temperature=0.5):.6f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Train twice as long, with twice the width. Which side of the hill moves more?
#
# Accuracy before and after, with seeds 0 and 1 (the cell below runs the first):
#
# | | 100 steps | 200 steps, twice the width | gain |
# |---|---|---|---|
# | τ = 0.01 | 0.741, 0.746 | 0.821, 0.831 | 0.08, 0.09 |
# | τ = 0.2 | 0.803, 0.812 | 0.866, 0.864 | 0.06, 0.05 |
# | τ = 5 | 0.738, 0.731 | 0.791, 0.798 | 0.05, 0.07 |
#
# All gain, and the hill stays a hill. The cold run gains most with both seeds. It would fit: a cold query moves few neighbours in a step, so it was short of steps. But it leads by 0.02 to 0.03, which is noise here, and the width grew as well. We cannot tell.

# %% tags=["solution"]
recipe = ch.pick(fast=recipes.TINY_SHORT, toy=recipes.TINY)
for tau in ch.pick(fast=[0.2], toy=[0.01, 0.2, 5]):
    loss = partial(losses.nt_xent, temperature=tau)
    for budget in dict.fromkeys([recipes.TINY_SHORT, recipe]):
        run = recipes.train_tiny(loss, digits.x_train, recipe=budget, seed=ch.seed)
        print(f"τ = {tau}, {budget.steps} steps: {recipes.low_shot(run.encoder, digits):.3f}")

# %% [markdown] tags=["solution"]
# **L1** ●○○ 10 min. Which side of (3) breaks for DCL, and can the loss become negative?
#
# Without the positive, $\tau \mathcal{L} = \tau \log \sum_j e^{(s_j - s_+)/\tau}$ over $M$ terms, so $\max_j s_j - s_+ \le \tau \mathcal{L} \le \max_j s_j - s_+ + \tau \log M$. The floor at 0 is gone: the left side of (3) breaks, and the loss is negative as soon as the positive wins clearly. DCL keeps pulling where InfoNCE rests.

# %% tags=["solution"]
partners = torch.eye(6)
print(f"{losses.dcl(partners, partners, temperature=0.1):.2f}")

# %% [markdown] tags=["solution"]
# **L2** ●○○ 10 min. Which temperature matches the uniformity loss?
#
# For unit vectors $\|\hat z - \hat z'\|^2 = 2 - 2\, \hat z^\top \hat z'$, so
#
# $$ e^{-2 \|\hat z - \hat z'\|^2} = e^{-4}\, e^{4\, \hat z^\top \hat z'} . $$
#
# Hence $1/\tau = 4$: the uniformity loss is the second term of (4) at $\tau = 0.25$, minus 4, except that it takes the logarithm after the mean over both points and not before.

# %% tags=["solution"]
z = torch.randn(200, 16, dtype=torch.float64)
cosines = losses.off_diagonal(F.normalize(z, dim=1) @ F.normalize(z, dim=1).T)
print(f"{losses.uniform_loss(z):.6f} = {(cosines / 0.25).exp().mean().log() - 4:.6f}")

# %% [markdown] tags=["solution"]
# **L3** ●●○ 40 min. Prove that $\log N - \mathcal{L}$ is on average at most $I(v; v')$.
#
# Draw pairs $(v_i, v'_i)$, $i \le N$, and call $r_{ij} = p(v'_j \mid v_i) / p(v'_j)$.
#
# 1. *Best scores.* Given $v_1$ and the keys in unknown order, Bayes' rule gives key $j$ the chance $r_{1j} / \sum_i r_{1i}$ of being the partner. Cross-entropy is smallest on average at the true chances, so any scores have $\mathbb{E} \mathcal{L} \ge \mathbb{E} \log \big( \sum_j r_{1j} / r_{11} \big)$.
# 2. *A step to the strangers.* Hence $\mathbb{E}[\log N - \mathcal{L}] \le \mathbb{E} \log r_{11} - \mathbb{E} \log \frac1N \big(r_{11} + \sum_{j \ge 2} r_{1j}\big)$, and the first term is $I(v; v')$.
# 3. *The rest is not negative.* Put $S = \frac1N \sum_j r_{1j}$, a function of $v_1$ and the keys. If the partner sits at a place drawn at random and unknown, the keys have given $v_1$ the density $S \prod_j p(v'_j)$. So $\mathbb{E} \log S$ is the mean logarithm of one density over another, taken under the first: a Kullback-Leibler divergence, which is never negative.

# %% [markdown] tags=["solution"]
# **L4** ●●● 60 min. Up to which age do nine of ten stored keys find themselves?
#
# The age rises with $m$, roughly as the memory $1 / (1 - m)$ of the average does, with a factor that depends on the learning rate and on how far training has come: early steps move the network most. So a queue can be as long as a few memories, times the batch. MoCo's queue of 65,536 keys at 256 a batch is 256 steps long, and its $m = 0.999$ remembers 1,000.


# %% tags=["solution"]
def share_found(m):
    encoder, projector = recipes.tiny_encoder(recipes.TINY_SHORT, seed=ch.seed)
    moco = methods.MoCo(encoder, projector, losses.info_nce, recipes.tiny_crop, size=1024, decay=m, seed=ch.seed)
    stored, renewed = (F.normalize(keys.flatten(0, 1), dim=1) for keys in aged_keys(moco, digits.x_train, seed=ch.seed))
    found = (stored @ renewed.T).argmax(1) == torch.arange(1024)
    return found.float().view(32, 32).mean(1)


for m in ch.pick(fast=[0.9], toy=[0, 0.5, 0.9, 0.95, 0.99]):
    lost = (share_found(m) < 0.9).nonzero()
    print(f"m = {m}: memory {1 / (1 - m):.0f} steps, true up to age", lost[0].item() - 1 if len(lost) else "31 or more")

# %% [markdown] tags=["solution"]
# **L5** ●●● 60 min. Why the debiased denominator, and does accuracy move?
#
# A key drawn from the whole data set is of the query's class with chance $\pi$, so that $\mu \approx \pi \mu_{\text{same}} + (1 - \pi) \mu_{\text{other}}$. We want $\mu_{\text{other}}$ and solve: $(\mu - \pi \mu_{\text{same}}) / (1 - \pi)$. The only sample of the same class that we are sure of is the positive, so $\mu_{\text{same}}$ is estimated by $e^{s_+ / \tau}$. The maximum is there because the estimate can fall below the smallest value that $e^{s/\tau}$ can have.
#
# On the digits the difference is within the noise of two seeds. So we cannot say that it helps here.


# %% tags=["solution"]
def debiased(z1, z2, share, tau=0.2):
    weights = (F.normalize(z1, dim=1) @ F.normalize(z2, dim=1).T / tau).exp()
    own, n_negatives = weights.diagonal(), len(z1) - 1
    mean = (weights.sum(1) - own) / n_negatives
    corrected = ((mean - share * own) / (1 - share)).clamp_min(np.exp(-1 / tau))
    return torch.log1p(n_negatives * corrected / own).mean()


for share in (0, 0.1):
    loss = partial(debiased, share=share)
    scores = []
    for s in ch.pick(fast=[0], toy=[0, 1]):
        run = recipes.train_tiny(loss, digits.x_train, recipe=recipes.TINY_SHORT, seed=ch.seed + s)
        scores.append(recipes.low_shot(run.encoder, digits))
    print(f"share {share}: low-shot accuracy", ", ".join(f"{score:.3f}" for score in scores))

# %% [markdown]
# ## Check yourself: the lesson
#
# 1. *All crops at one point.* All cosines are equal, so each key gets $1/12$: it pays $\log 12 = 2.48$ nats, at every temperature.
# 2. *$p_+ = 1$.* The average key is then $k_+$ itself, and (2) is 0: no force is left.
# 3. *`positive` at 1.* The cold softmax sees no negative near 1, so $1 - p_+$ is practically 0. The hot one has $1 - p_+ \approx 64/65$ but divides by a large $\tau$. The middle pushes hardest: the whole push of this query is 0.00 at $\tau = 0.01$, 2.2 at 0.2, 0.96 at 1 and 0.10 at 10 (seed 0).
# 4. *A random point for each view.* Uniformity is as small as chance allows; alignment is large, about $\mathbb{E}\|\hat z - \hat z_+\|^2 = 2$, since independent points have cosine 0 on average.
# 5. *Longer training.* Probably the cold one, which moves few neighbours in a step. Exercise 3 tries it, and cannot tell.
# 6. *20 nats.* By (5) at least $e^{20}$, nearly 500 million; in truth more, since the curve leaves the diagonal before its ceiling.

# %% [markdown]
# ## Check yourself: the lab
#
# - **A.** *Queries that are not beaten.* In the triplet loss the hinge is inactive: the gradient is exactly 0. In the cold softmax $p_+$ is nearly 1, and the gradient nearly 0.
# - **C.** *Momentum.* No. A step then mixes old gradients, each orthogonal to the embedding of its own time, not to that of now. So Pythagoras does not apply, and lengths may shrink.
# - **D.** *$\tau = 0.1$.* The positive weighs $e^{10} \approx 22{,}000$. A negative of cosine 0 weighs 1, so it takes 22,000 of those. Uniform ones in 16 dimensions weigh 15 on average, because the few near ones weigh most: some 1,400.
# - **E.** *MoCo's queue.* It is 256 steps long. Ours of 32 steps did well with a memory of 100, three times its length; the same ratio gives a memory of 800, so $m \approx 0.999$, which MoCo uses.
# - **F.** *The largest eigenvalue.* $\sum_j \bar A_{ij} \sqrt{w_j} = \sum_j A_{ij} / \sqrt{w_i} = \sqrt{w_i}$: the vector of the $\sqrt{w_i}$ has eigenvalue 1. Its entries are positive and so are those of $\bar A$ (or 0), so no eigenvalue is larger (Perron and Frobenius).

# %%
ch.footer()
