# %% [markdown]
# # Self-distillation: solutions
#
# Try first. The exercises stand in the [lesson](self_distillation.ipynb) and in the [lab](self_distillation_lab.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
from torch import nn

import cookbook as cb
from replearn import data, evaluation, methods, recipes, training
from replearn.papers import self_distillation as world

ch = cb.Chapter("self_distillation_solutions", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)

pixels = data.load("digits").images.double().flatten(1).numpy()
variances = np.linalg.eigvalsh(np.cov(pixels.T))
variance = variances[:-21:-1] / variances[-1]

# %% [markdown]
# ## Check yourself: the lesson
#
# 1. *One function, two ends.* The values are the same, the gradients are not. With the stop-gradient a step does not follow the slope of (1), but only the part of it that comes through the prediction. Such a flow need not go downhill, and may rest where the loss is not smallest.
# 2. *$h_+$ and $1/(1 + \sigma^2)$.* Smaller: by (4), $h_+ \le 1/(1 + \sigma^2)$, with equality for $\eta = 0$. It must be, since the shortfall $b = 1 - (1 + \sigma^2)\, h$ has to stay positive: at rest it is all that makes up for the decay, $h\, b = \eta$.
# 3. *$\eta = 0$.* Then $h_- = 0$ and $h_+ = 1/(1 + \sigma^2)$: no watershed, every start with $h > 0$ on the parabola lives. But then nothing ties $w^2$ to $h^2$ either: their difference stays what it was.
# 4. *PCA's ranking.* With the same noise in every direction, since $a^2 / (a + \sigma^2)$ grows with $a$. An augmentation that shakes strong directions harder may rank them otherwise: exercise 3.
# 5. *A spread of 0.9.* For their rank. In section 5 a collapsed network had such a spread.

# %% [markdown]
# ## Check yourself: the lab
#
# - **A.** *Left of $h_-$ and alive.* $h_-$ is the watershed on the line $w = h$ only. A has $h = 0.02$ but $w = 0.15$, far above the line: by (2) the predictor grows with $w^2$, and is past $h_-$ before the encoder has decayed. B has $h = 0.12$ but $w = 0.05$: with so weak an encoder the predictor decays first.
# - **B.** *The smallest $\gamma$.* The root in (9) needs $\gamma^2 \ge 4 \eta\, (1 + \sigma^2) = 0.416$, so $\gamma = 0.645$.
# - **C.** *Why the weak ones.* On $h = w$ the lower point $h_{j-}$ is near $\eta / a_j$, so that it is high where $a_j$ is small.
# - **D.** *Why not freeze.* A frozen target caps what can be learned: the student learns what a random network says of a view. A moving teacher takes over what the student has learned and passes it on. Grill et al. see that pay over long training; our runs are too short for it.
# - **E.** *What does the work of $b$.* Centring. It takes from the target what all images share, so that agreeing on a constant no longer pays, and what is left to predict is how images differ. Sharpening makes that difference grow.

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. How strong is the weakest survivor?
#
# With $a_j \rho_j = 4 \eta$ the root in (6) is 0, and $h_{j+} = \rho_j / 2$. So no survivor has a strength below
#
# $$ w_j^2 = \rho_j^2 / 4 . $$
#
# It does not depend on $\eta$. The last survivor never stands exactly at its threshold, and $h_+$ rises from there like a square root, so steeply: in the third panel $a_4 \rho_4$ is 30 % above $4 \eta$, and the bar is twice the bound.

# %% tags=["solution"]
for noise, decay in [(0.05, 0.03), (0.5, 0.03), (0.05, 0.1)]:
    last = world.surviving_directions(variance, noise, decay).sum() - 1
    agreement = variance[last] / (variance[last] + noise)
    shortest = world.byol_fixed_points(noise / variance, decay / variance)[1][last] ** 2
    print(f"σ² = {noise}, η = {decay}: ρ²/4 = {agreement**2 / 4:.3f}, shortest bar {shortest:.3f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 25 min. With $\sigma^2 = 0.05$ and $\eta = 0.01$, how many directions should survive? How many are alive at $T = 2000$, and at 4000?


# %% tags=["solution"]
def alive(T):
    starts = np.eye(20) + 0.03 * rng.standard_normal((2, 4, 20, 20))
    path = world.linear_byol_flow(variance, np.full(20, 0.05), *starts, 0.01, T=T, dt=1, record=1)
    return np.sum(np.diagonal(path.W[-1].mT @ path.W[-1], axis1=1, axis2=2) > 0.01, axis=1).tolist()


ratio = variance**2 / (variance + 0.05) / (4 * 0.01)
print("survivors by (6):", world.surviving_directions(variance, 0.05, 0.01).sum())
print("aρ / 4η of directions 17 to 20:", ratio[16:].round(3))
for T in (2000, 4000):
    print(f"alive at T = {T}:", alive(T))

# %% [markdown] tags=["solution"]
# By (6) there should be 18, and at $T = 4000$ there are. But at $T = 2000$ the nineteenth is still alive. It stands 1 % below its threshold, where the two points $h_\pm$ have just met and gone. Nothing holds $h$ there any more, but $\dot h$ is still almost zero at the place where they were, $h = \rho_j / 2$: the time to pass it grows like $(4 \eta / (a_j \rho_j) - 1)^{-1/2}$ as the threshold comes near. Such a slow place is called the *ghost* of a fixed point. A run that looks converged may be waiting at one.

# %% [markdown] tags=["solution"]
# **3** ●●● 40 min. Choose an augmentation under which the *twelfth* direction of the digits outlives the first.
#
# Survival needs $a_j \rho_j = a_j^2 / (a_j + \sigma_j^2) > 4 \eta$. The first direction has $a_1 = 1$, so that it dies where $\sigma_1^2 > 1 / (4 \eta) - 1$. Shake it hard, the others hardly: $\sigma_1^2 = 12$, and $\sigma_j^2 = 0.02$ else. With $\eta = 0.025$ the threshold is 0.1, and $a_1 \rho_1 = 1/13$ lies below it, $a_{12} \rho_{12}$ above. The step of the flow must be short, as the largest eigenvalue of $C$ is 13.

# %% tags=["solution"]
noise = np.append(12, np.full(19, 0.02))
print("aρ of directions 1 and 12:", (variance**2 / (variance + noise))[[0, 11]].round(3))
print("alive by (6):", world.surviving_directions(variance, noise, 0.025)[[0, 11]].tolist())
W = world.linear_byol_flow(variance, noise, np.eye(20), np.eye(20), 0.025, T=500, dt=0.1, record=1).W[-1]
print(f"w² by the flow: {W[0, 0] ** 2:.3f} and {W[11, 11] ** 2:.3f}")

# %% [markdown] tags=["solution"]
# **L1** ●○○ 15 min. Show from (7) that $W W^\top - \Pi^\top \Pi$ decays like $e^{-2 \eta t}$ from *any* start. What does it become if the predictor learns $\alpha$ times as fast?
#
# Put the two lines of (7), the first with a factor $\alpha$ before $R$, into the product rule:
#
# $$ \frac{d}{dt}\, W W^\top = - \Pi^\top (R W^\top) - (R W^\top)^\top \Pi - 2 \eta\, W W^\top , $$
#
# $$ \frac{d}{dt}\, \Pi^\top \Pi = - \alpha \big[ \Pi^\top (R W^\top) + (R W^\top)^\top \Pi \big] - 2 \eta\, \Pi^\top \Pi . $$
#
# Divide the second by $\alpha$ and subtract it from the first. The terms with $R$ cancel, whatever $C$ and $C_+$ are, and $\Delta = W W^\top - \Pi^\top \Pi / \alpha$ is left with $\dot \Delta = - 2 \eta \Delta$. Nothing has to be symmetric or aligned. Below, $\alpha = 3$ and $\eta = 0.08$ from a random start.

# %% tags=["solution"]
model = {"X": np.ones(10), "Xp": np.full(10, 0.3), "eta": 0.08}
W0 = rng.standard_normal((6, 10)) / np.sqrt(10)
P0 = 0.8 * np.eye(6) + 0.1 * rng.standard_normal((6, 6))
path = world.linear_byol_flow(**model, W0=W0, P0=P0, T=10, dt=0.02, alpha=3)
gap = path.W @ path.W.mT - path.P.mT @ path.P / 3
print(f"largest error: {abs(gap - gap[0] * np.exp(-0.16 * path.t)[:, None, None]).max():.1e}")

# %% [markdown] tags=["solution"]
# **L2** ●●○ 30 min. Which $\Pi$ is best for a given $W$, and why does a predictor in a hurry help? Where does DirectPred end for $\epsilon = 0$ and 0.1?
#
# For a given $W$ the loss $\frac12 \mathbb{E}\, \|\Pi W v - W v'\|^2$ is a regression of the target on the student's embedding, and the best predictor is
#
# $$ \Pi^* = W C_+ W^\top \, (W C W^\top)^{-1} . $$
#
# As $W$ moves, so does $\Pi^*$, and only a quick predictor stays close to it. In DirectPred only $W$ is trained, so that one equation is left: $\dot W = 0$ asks for $h\, [1 - (1 + \sigma^2)\, h] = \eta$, which is what (4) solves. The predictor ends at $h_+$ for every $\epsilon$. What $\epsilon$ changes is the encoder: all $e_j$ are equal at the end, so $h_+ = \sqrt e + \epsilon\, e$, and $e$ is below $h_+^2$ where $\epsilon > 0$.

# %% tags=["solution"]
_, h_plus = world.byol_fixed_points(0.3, 0.08)
for epsilon in (0, 0.1):
    W, average = W0, W0 @ W0.T
    for _ in range(2000):
        average = 0.9 * average + 0.1 * W @ W.T
        e, E = np.linalg.eigh(average)
        Pi = E @ np.diag(np.sqrt(e) + epsilon * e.max()) @ E.T
        W = W - 0.05 * (Pi @ (1.3 * Pi @ W - W) + 0.08 * W)
    print(f"ε = {epsilon}: h = {np.linalg.eigvalsh(Pi).mean():.5f} (h₊ = {h_plus:.5f}), e = {e.mean():.5f}")

# %% [markdown] tags=["solution"]
# **L3** ●●● 60 min. Train BYOL without its predictor, with $m = 0.99$ and with $m = 0$, and watch RankMe. Does it collapse? What does the linear model say?
#
# In the linear model without predictor, in a direction of variance 1, $\dot w = w' - (1 + \sigma^2 + \eta)\, w$ and $\dot w' = (w - w') / T_m$. The matrix of this linear equation has the trace $-(1 + \sigma^2 + \eta + 1/T_m)$ and the determinant $(\sigma^2 + \eta) / T_m$: the first negative, the second positive, so both eigenvalues are negative and everything dies. But for a long memory $T_m$ the slow one is close to $-(\sigma^2 + \eta) / \big( (1 + \sigma^2 + \eta)\, T_m \big)$. The encoder first falls to what predicts the old teacher best, $w'/(1 + \sigma^2 + \eta)$, and then sinks with the teacher, within several memories.
#
# In the network the run is about as long as one memory of $m = 0.99$ (100 steps), or two. In the stored run RankMe falls from 52 to 15 and is still sinking slowly; with $m = 0$ it falls to 3. So BYOL without predictor has not collapsed *yet*. The slow sinking is what the linear model says; whether the network would sink to the end, a run this short cannot tell.


# %% tags=["solution"]
recipe = ch.pick(fast=recipes.TINY_SHORT, toy=recipes.TINY)
mnist = recipes.tiny_mnist()


def without_predictor(m):
    encoder, _ = recipes.tiny_encoder(recipe, seed=ch.seed)
    byol = methods.method("byol", encoder, recipes.tiny_crop, seed=ch.seed)
    byol.predictor, byol.decay = nn.Identity(), m
    ranks = []

    def watch(step, out):
        ranks.append(round(evaluation.collapse_report(out["z"]).rank, 1))

    training.pretrain(byol, mnist.x_train, seed=ch.seed, monitor=watch, **recipe.loop())
    print(f"m = {m}: RankMe {ranks[:: len(ranks) // 5]}, low-shot accuracy {recipes.low_shot(byol.encoder, mnist):.3f}")


for m in (0.99, 0):
    without_predictor(m)

# %%
ch.footer()
