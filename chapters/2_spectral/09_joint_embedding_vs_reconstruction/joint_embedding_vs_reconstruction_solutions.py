# %% [markdown]
# # Joint embedding vs reconstruction: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np

import cookbook as cb
from replearn import spectral
from replearn.papers.joint_embedding_vs_reconstruction import alignment_threshold, nuisance_moments

ch = cb.Chapter("joint_embedding_vs_reconstruction_solutions", scale=scale, seed=seed)


def random_world(seed, size):
    """Variances of signal, own noise and nuisance in twenty directions, as in the chapter."""
    rng = np.random.default_rng(seed)
    kappa2 = np.append(rng.uniform(2, 6, 6), np.zeros(14))
    theta = np.append(rng.uniform(0.4, 1.5, 6), rng.uniform(0.01, 0.05, 14))
    gamma = np.append(np.zeros(6), size * rng.uniform(0.3, 1, 14))
    return kappa2, theta, gamma


def predicted_alpha(world, method):
    return np.sqrt(max(alignment_threshold(*world, 6, paradigm=method)[0], 0))


kappa2, theta, gamma = random_world(ch.seed, size=12)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that $\alpha_{\mathrm{JE}} \le \sqrt{(1 - \delta) / \delta}$ for any nuisance. Check it on a hundred worlds.
#
# By (5), $\alpha_{\mathrm{JE}}^2 = \frac{1 - \delta}{\delta} - \min_{i > K} \theta_i / \gamma_i$. A variance is not negative, so $\theta_i / \gamma_i \ge 0$, and
# $\alpha_{\mathrm{JE}}^2 \le (1 - \delta) / \delta$. (Where the right side of (5) is negative, no alignment is needed, and $0$ is below the bound too.) The bound is approached when the nuisance is strong, $\gamma_i \gg \theta_i$.
# Over a hundred worlds with nuisances of all sizes, the largest share of the bound that $\alpha_{\mathrm{JE}}^2$ takes:

# %% tags=["solution"]
thresholds = [alignment_threshold(*random_world(s, size=10.0 ** (s % 5 - 2)), 6) for s in range(100)]
print(f"{max(alpha2 / (1 / delta - 1) for alpha2, delta in thresholds):.4f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Let the augmentation have no noise of its own, $\theta = 0$. What does joint embedding need then? And reconstruction?
#
# Without noise of its own, the augmentation leaves every signal as it is: $\delta = \min_{i \le K} \kappa_i^2 / \kappa_i^2 = 1$, and (5) gives $\alpha_{\mathrm{JE}}^2 = 0$. *Any* $\alpha > 0$ will do, because a nuisance that is imitated
# at all is less than perfectly repeatable, $\omega_i = 1 / (1 + \alpha^2) < 1$. At $\alpha = 0$ all directions tie at $\omega_i = 1$.
#
# Reconstruction has $\eta^2 = \min_{i \le K} \kappa_i^2$ and still needs
#
# $$ \alpha_{\mathrm{RC}}^2 = \max_{i > K} \gamma_i \big/ \min_{i \le K} \kappa_i^2 - 1 . $$
#
# The angle of joint embedding to the signal (in degrees) at $\alpha = 0.01$, in a world of strong nuisance, and what reconstruction needs there:

# %% tags=["solution"]
world = kappa2, np.zeros(20), gamma
V = spectral.joint_embedding_linear(*nuisance_moments(*world, 0.01)[:2], 6).W
print(f"angle {spectral.principal_angles(V, np.eye(20)[:, :6]).max():.2f}")
print(f"alpha of reconstruction {predicted_alpha(world, 'reconstruction'):.2f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. At which size of the nuisance are the two thresholds equal? Take one nuisance direction, in the world of the map.
#
# With one nuisance direction the maxima in (5) have one term each, and
#
# $$ \alpha_{\mathrm{RC}}^2 - \alpha_{\mathrm{JE}}^2 = \frac{\gamma}{\eta^2} - \frac{\theta}{\gamma} - 1 - \frac{1 - \delta}{\delta} + \frac{\theta}{\gamma} = \frac{\gamma}{\eta^2} - \frac1\delta , $$
#
# which vanishes at $\gamma = \eta^2 / \delta$. There both methods need the same:

# %% tags=["solution"]
eta, delta = (
    alignment_threshold(kappa2, theta, gamma, 6, paradigm=m)[1] for m in ("reconstruction", "joint_embedding")
)
world = kappa2[:7], theta[:7], np.append(np.zeros(6), eta**2 / delta)
print(f"gamma = {eta**2 / delta:.4f}")
print(f"alpha {predicted_alpha(world, 'reconstruction'):.4f} and {predicted_alpha(world, 'joint_embedding'):.4f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Turn one nuisance direction towards a signal, so that the covariances no longer share their axes. Do the thresholds still predict what is needed to avoid the nuisance?
#
# Let the nuisance be $\Gamma = \gamma\, q q^\top$, with the unit vector $q$ turned by an angle from its own axis towards a signal axis. The encoder can see nothing of it exactly when its six columns are orthogonal to $q$. We compare
# with that space, and try $\alpha$ on both sides of the threshold of the untilted world:

# %% tags=["solution"]
print(f"threshold {predicted_alpha((kappa2[:7], theta[:7], gamma[:7]), 'joint_embedding'):.2f}")
for degrees in (0, 30, 60):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(7)
    turn[np.ix_([0, 6], [0, 6])] = [[cos, -sin], [sin, cos]]
    Gamma = turn @ np.diag(gamma[:7]) @ turn.T
    C_plus = np.diag(kappa2[:7]) + Gamma
    for alpha in (0.7, 1):
        V = spectral.joint_embedding_linear(C_plus + np.diag(theta[:7]) + alpha**2 * Gamma, C_plus, 6).W
        off = spectral.principal_angles(V, turn[:, :6]).max()
        print(f"turned by {degrees}, alpha = {alpha}: {off:.0f} degrees from all that is free of nuisance")

# %% [markdown] tags=["solution"]
# The threshold still tells on which side of it the nuisance is avoided. But the space that is free of the nuisance, orthogonal to $q$, is turned away from the signal by the same angle: what avoids the nuisance gives up a part of
# the signal. Here only two values of $\alpha$ and three angles were tried; how far the threshold itself moves with the angle is open.

# %%
ch.footer()
