# %% [markdown]
# # Self-distillation: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np

import cookbook as cb
from replearn.data import load
from replearn.papers.self_distillation import byol_fixed_points, linear_byol_flow, surviving_directions

ch = cb.Chapter("self_distillation_solutions", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)
isotropic = {"X": np.ones(10), "Xp": np.full(10, 0.3), "eta": 0.08}
W0 = rng.standard_normal((6, 10)) / np.sqrt(10)
P0 = 0.8 * np.eye(6) + 0.1 * rng.standard_normal((6, 6))
p_plus = byol_fixed_points(0.3, 0.08)[1]

pixels = load("digits").images.double().flatten(1).numpy()
variances = np.linalg.eigvalsh(np.cov(pixels.T))
lam = variances[:-21:-1] / variances[-1]
rotations = np.linalg.qr(rng.standard_normal((3, 20, 20)))[0]
W0s = np.array([np.eye(20), *rotations + 0.03 * rng.standard_normal((3, 20, 20))])
P0s = np.array([np.eye(20), *np.eye(20) + 0.03 * rng.standard_normal((3, 20, 20))])


def strengths(sigma2, eta, T=2000):
    W = linear_byol_flow(lam, np.full(20, sigma2), W0s, P0s, eta, T=T, dt=1, record=1).W[-1]
    return np.diagonal(W.mT @ W, axis1=1, axis2=2)


# %% [markdown] tags=["solution"]
# **1** ●○○ 15 min. Show from (2) that $W W^\top - P^\top P / \alpha$ decays like $e^{-2 \eta t}$ from *any* start, and check it on one.
#
# Put the two lines of (2) into the product rule, with $R = P W C - \tau W C_+$:
#
# $$ \frac{d}{dt}\, W W^\top = - P^\top (R W^\top) - (R W^\top)^\top P - 2 \eta\, W W^\top , $$
#
# $$ \frac{d}{dt}\, P^\top P = - \alpha \big[ P^\top (R W^\top) + (R W^\top)^\top P \big] - 2 \eta\, P^\top P . $$
#
# Divide the second by $\alpha$ and subtract it from the first. The terms with $R$ cancel, whatever $C$, $C_+$ and $\tau$ are, and $E = W W^\top - P^\top P / \alpha$ is left with
# $\dot E = - 2 \eta E$. Nothing has to be symmetric or aligned. Below, $\alpha = 3$ and $\eta = 0.08$ from a random start.

# %% tags=["solution"]
path = linear_byol_flow(**isotropic, W0=W0, P0=P0, T=10, dt=0.02, alpha=3)
gap = path.W @ path.W.mT - path.P.mT @ path.P / 3
print(f"largest error: {abs(gap - gap[0] * np.exp(-0.16 * path.t)[:, None, None]).max():.1e}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 25 min. With $\sigma^2 = 0.05$ and $\eta = 0.01$, how many directions should survive? How many are alive at $T = 2000$, and at 4000?

# %% tags=["solution"]
ratio = lam**2 / (lam + 0.05) / (4 * 0.01)
print("survivors by (5):", surviving_directions(lam, 0.05, 0.01).sum())
print("λρ / 4η of directions 17 to 20:", ratio[16:].round(3))
for T in (2000, 4000):
    print(f"alive at T = {T}:", np.sum(strengths(0.05, 0.01, T) > 0.05**2, axis=1).tolist())

# %% [markdown] tags=["solution"]
# By (5) there should be 18, and at $T = 4000$ there are. But at $T = 2000$ the nineteenth is still alive in all four runs. It stands 1 % below its threshold, where the two roots $p_\pm$
# have just met and gone. Nothing holds $p$ there any more, but $\dot p$ is still almost zero at the place where they were, $p = \rho_j / 2$: the time to pass it grows like
# $(4 \eta / (\lambda_j \rho_j) - 1)^{-1/2}$ as the threshold comes near. Such a slow place is called the *ghost* of a fixed point. A run that looks converged may be waiting at one.

# %% [markdown] tags=["solution"]
# **3** ●●○ 30 min. Why does a predictor that learns ten times faster help? Which $P$ is best for a given $W$? Where does DirectPred end for $\epsilon = 0$ and 0.1?
#
# For a given $W$ the loss $\frac12 E \|P W v - \tau W v'\|^2$ is a regression of the target on the online embedding, and the best predictor is
#
# $$ P^* = \tau\, W C_+ W^\top \, (W C W^\top)^{-1} . $$
#
# As $W$ moves, so does $P^*$, and only a quick predictor stays close to it.
#
# In DirectPred only $W$ is trained, so that one equation is left: $\dot W = 0$ asks for $p\, [\tau - (1 + \sigma^2)\, p] = \eta$, which is (3). The predictor ends at $p_+$ for every $\epsilon$.
# What $\epsilon$ changes is the encoder: all $s_j$ are equal at the end, so $p_+ = \sqrt s + \epsilon\, s$, and $s$ is below $p_+^2$ where $\epsilon > 0$.

# %% tags=["solution"]
for epsilon in (0, 0.1):
    W, average = W0, W0 @ W0.T
    for _ in range(2000):
        average = 0.9 * average + 0.1 * W @ W.T
        s, U = np.linalg.eigh(average)
        P = U @ np.diag(np.sqrt(s) + epsilon * s.max()) @ U.T
        W = W - 0.05 * (P @ (1.3 * P @ W - W) + 0.08 * W)
    print(f"ε = {epsilon}: p = {np.linalg.eigvalsh(P).mean():.5f} (p₊ = {p_plus:.5f}), s = {s.mean():.5f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 40 min. Choose an augmentation under which the *twelfth* direction of the digits outlives the first.
#
# Survival needs $\lambda_j \rho_j = \lambda_j^2 / (\lambda_j + \sigma_j^2) > 4 \eta / \tau^2$. The first direction has $\lambda_1 = 1$, so that it dies where $\sigma_1^2 > 1 / (4 \eta) - 1$. Shake it hard, the others hardly:
# $\sigma_1^2 = 12$ and $\sigma_j^2 = 0.02$ else. With $\eta = 0.025$ the threshold is 0.1, and $\lambda_1 \rho_1 = 1/13$ lies below it, $\lambda_{12} \rho_{12}$ above. The step of the flow must be short, as the largest
# eigenvalue of $C$ is 13.

# %% tags=["solution"]
noise = np.append(12, np.full(19, 0.02))
print("λρ of directions 1 and 12:", (lam**2 / (lam + noise))[[0, 11]].round(3))
print("alive by (5):", surviving_directions(lam, noise, 0.025)[[0, 11]].tolist())
W = linear_byol_flow(lam, noise, np.eye(20), np.eye(20), 0.025, T=500, dt=0.1, record=1).W[-1]
print(f"w² by the flow: {W[0, 0] ** 2:.3f} and {W[11, 11] ** 2:.3f}")

# %%
ch.footer()
