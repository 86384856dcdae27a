# %% [markdown]
# # Joint embedding vs reconstruction: solutions
#
# The exercises of the lesson and of the lab, and answers to *Check yourself*. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
from scipy.optimize import bisect

import cookbook as cb
from replearn import spectral
from replearn.papers import joint_embedding_vs_reconstruction as world

ch = cb.Chapter("joint_embedding_vs_reconstruction_solutions", scale=scale, seed=seed)
kappa2, theta, gamma = world.random_variances(size=12, seed=ch.seed)


def needed(variances, method, dim=6):
    return np.sqrt(max(world.alignment_threshold(*variances, dim, paradigm=method)[0], 0))


# %% [markdown]
# ## Check yourself
#
# **Lesson, 1.** Reconstruction. A change of units multiplies $a_i$ and the variance over the views by the same 100, so $\omega_i$ stays and $\phi_i^2 = a_i \omega_i$ grows a hundredfold. The weak nuisance on the left would become a strong one.
#
# **Lesson, 2.** Yes. All signals have $\omega_i = 1$, so $\delta = 1$, and the threshold in (2) is 0. A nuisance that is imitated at all is less than perfectly repeatable, $\omega_i = 1 / (1 + \alpha^2)$.
#
# **Lesson, 3.** It throws nothing away: the 50 signals are still there, in columns of their own, and with thousands of labels a regression learns to ignore the other 50. An encoder is tested by what it *loses*.
#
# **Lab, A.** $C = C_+ = 0.49\, E[x x^\top]$ and $Q = 0.7\, E[x x^\top]$. The first problem of (5) becomes $E[x x^\top] w = \phi^2 w$, which is PCA. In the second every $\omega$ is 1: joint embedding has no preference left.
#
# **Lab, B.** The threshold is where the *most* stubborn nuisance outranks the *weakest* signal. Just below it, one or two of six signals are exchanged, and the others are kept.
#
# **Lab, D.** No. An invertible change of the input is undone by $W$: the embeddings that can be reached, and their losses, are the same. Only the unit of the target counts.
#
# ## The lesson's exercises

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that $\alpha_{\mathrm{JE}} \le \sqrt{1 / \delta - 1}$ for any nuisance, and check it on a hundred worlds.
#
# By (2), $\alpha_{\mathrm{JE}}^2 = 1/\delta - 1 - \min_i \theta_i / \gamma_i$. Variances are not negative, so $\theta_i / \gamma_i \ge 0$, and $\alpha_{\mathrm{JE}}^2 \le 1/\delta - 1$. The bound is approached when the nuisance is strong, $\gamma_i \gg \theta_i$. Over a hundred worlds, with nuisances of all sizes, the largest share of the bound:

# %% tags=["solution"]
shares = []
for s in range(100):
    alpha2, delta = world.alignment_threshold(*world.random_variances(size=10.0 ** (s % 5 - 2), seed=s), 6)
    shares.append(alpha2 / (1 / delta - 1))
print(f"{max(shares):.4f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Let the augmentation have no noise of its own, $\theta_i = 0$. What alignment does reconstruction need then? Check that joint embedding is content with $\alpha = 0.01$.
#
# Now $\omega_i = 1$ for every signal, so $\delta = 1$ and $\eta^2 = \min \kappa_i^2$, the variance of the weakest signal. Then (2) gives $\alpha_{\mathrm{JE}} = 0$, and
#
# $$ \alpha_{\mathrm{RC}}^2 = \frac{\max \gamma_i}{\min \kappa_i^2} - 1 . $$

# %% tags=["solution"]
quiet = kappa2, np.zeros(20), gamma
encoder = world.linear_encoder(world.nuisance_moments(*quiet, 0.01), 6)
print(f"signal kept by joint embedding: {spectral.subspace_overlap(encoder, np.eye(20)[:, :6]):.4f}")
print(f"reconstruction needs {needed(quiet, 'reconstruction'):.3f}")
print(f"by the formula       {np.sqrt(gamma.max() / kappa2[:6].min() - 1):.3f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. With one nuisance direction, at which $\gamma$ are the two thresholds equal? Check that both methods then need the same.
#
# The maxima in (2) have one term each, so that
#
# $$ \alpha_{\mathrm{RC}}^2 - \alpha_{\mathrm{JE}}^2 = \frac{\gamma}{\eta^2} - \frac1\delta , $$
#
# which vanishes at $\gamma = \eta^2 / \delta$.

# %% tags=["solution"]
methods = ["reconstruction", "joint_embedding"]
eta, delta = (world.alignment_threshold(kappa2, theta, gamma, 6, paradigm=method)[1] for method in methods)
one = kappa2[:7], theta[:7], np.append(np.zeros(6), eta**2 / delta)
print(f"at gamma = {eta**2 / delta:.3f}:", {method: round(float(needed(one, method)), 4) for method in methods})

# %% [markdown] tags=["solution"]
# **4** ●●○ 20 min. Reconstruct $x_i / \sqrt{a_i}$, targets of variance 1, from the same views. By what does reconstruction rank the directions now?
#
# The best linear guess of $x_i / \sqrt{a_i}$ from $v_i$ is $\omega_i v_i / \sqrt{a_i}$, and everything is divided by $\sqrt{a_i}$: errors by $a_i$. Without direction $i$ the error is 1, with it $1 - \omega_i$. To keep it saves $\omega_i$. Reconstruction of targets without a unit ranks as joint embedding does. We check that both keep the same directions, at four alignments:

# %% tags=["solution"]
for alpha in [0, 0.5, 1, 2]:
    moments = world.nuisance_moments(kappa2, theta, gamma, alpha)
    deviation = np.sqrt(np.diag(moments.C_clean))
    unit = spectral.reduced_rank_regression(moments.C_clean / deviation[:, None], moments.C, 6).V
    print(f"alpha {alpha}: shared {spectral.subspace_overlap(unit, world.linear_encoder(moments, 6)):.4f}")

# %% [markdown] tags=["solution"]
# ## The lab's exercises
#
# **L1** ●●○ 30 min. An augmentation with noise of mean 0 and covariance $S$, independent of $x$, is a ridge: show that $E \|y - W^\top v\|^2 = E \|y - W^\top x\|^2 + \operatorname{tr}(W^\top S W)$, and check it with drawn noise.
#
# With $v = x + e$,
#
# $$ \|y - W^\top v\|^2 = \|y - W^\top x\|^2 - 2\, (y - W^\top x)^\top W^\top e + \|W^\top e\|^2 . $$
#
# Given $x$ and $y$, the mean of $e$ is 0, and the middle term is gone. The mean of the last is $\operatorname{tr}(W^\top E[e e^\top] W)$. (Bishop, 1995; Lemma B.1 of the paper. For an augmentation whose mean view $\bar v$ is not $x$, put $\bar v$ in the place of $x$.)

# %% tags=["solution"]
rng = np.random.default_rng(ch.seed)
x, y, W = rng.standard_normal((50, 4)), rng.standard_normal((50, 2)), rng.standard_normal((4, 2))
root = rng.standard_normal((4, 4))
noise = rng.standard_normal((5000, 50, 4)) @ root.T
drawn = np.mean(np.sum((y - (x + noise) @ W) ** 2, axis=2))
ridge = np.mean(np.sum((y - x @ W) ** 2, axis=1)) + np.trace(W.T @ root @ root.T @ W)
print(f"drawn {drawn:.2f}, ridge {ridge:.2f}")

# %% [markdown] tags=["solution"]
# **L2** ●●● 60 min. Turn one nuisance direction towards a signal, so that the covariances no longer share their axes. Does the threshold still tell when joint embedding avoids the nuisance?
#
# Let the one nuisance have the covariance $\gamma\, q q^\top$, with the unit vector $q$ turned from its own axis towards that of the weakest signal. The encoder is blind to the nuisance if its columns are orthogonal to $q$. By bisection we look for the $\alpha$ at which it becomes so, and ask how much of the signal it then keeps:


# %% tags=["solution"]
weakest = np.argmin(kappa2[:6] / (kappa2 + theta)[:6])
signal = np.eye(7)[:, :6]


def turned_encoder(degrees, alpha):
    """The encoder, and the directions orthogonal to the turned nuisance."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(7)
    turn[np.ix_([weakest, 6], [weakest, 6])] = [[cos, -sin], [sin, cos]]
    nuisance = turn @ np.diag(gamma[:7]) @ turn.T
    shared = np.diag(kappa2[:7]) + nuisance
    views = shared + np.diag(theta[:7]) + alpha**2 * nuisance
    return spectral.joint_embedding_linear(views, shared, 6).W, turn[:, :6]


def margin(alpha, degrees):
    return spectral.subspace_overlap(*turned_encoder(degrees, alpha)) - (1 - 1 / 12)


# %% tags=["solution"]
print(f"threshold by (2): {needed((kappa2[:7], theta[:7], gamma[:7]), 'joint_embedding'):.3f}")
for degrees in [0, 15, 30, 45]:
    needs = bisect(margin, 0, 5, args=(degrees,))
    kept = spectral.subspace_overlap(turned_encoder(degrees, 2)[0], signal)
    print(f"{degrees} degrees: needs {needs:.3f}, keeps {kept:.3f} of the signal at alignment 2")

# %% [markdown] tags=["solution"]
# Up to 45 degrees the threshold moves by less than one per cent: (2) still tells when the nuisance goes. But what is blind to $q$ is turned away from the signal by the same angle, so dropping the nuisance costs a part of the signal, $\sin^2$ of the angle of one direction in six. Beyond 45 degrees the nuisance points at the signal more than away from it, and our criterion loses its meaning: part of the signal is given up on either side.

# %%
ch.footer()
