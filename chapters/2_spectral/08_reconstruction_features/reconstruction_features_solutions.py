# %% [markdown]
# # Learning by reconstruction: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch

import cookbook as cb
from replearn import data, evaluation, recipes, spectral
from replearn.papers.reconstruction_features import masking_score

ch = cb.Chapter("reconstruction_features_solutions", scale=scale, seed=seed)
n = ch.pick(fast=2000, toy=4000)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Prove that Gaussian noise keeps the order of the scores: $w = l^2 / (l + c)$ grows with $l > 0$ for every $c \ge 0$.
#
# $$ \frac{dw}{dl} = \frac{2 l\, (l + c) - l^2}{(l + c)^2} = \frac{l\, (l + 2 c)}{(l + c)^2} > 0 . $$

# %% tags=["solution"]
variances = np.linspace(0.01, 5, 100)
for c in (0, 0.1, 10):
    print(f"c = {c}: grows on a grid: {np.all(np.diff(variances**2 / (variances + c)) > 0)}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 15 min. What happens to an isolated pixel of variance 1 as $p \to 1$? And to its rank against a direction of variance 0.1 on 100 pixels?
#
# By (3) the pixel has $w = 1 - p$, which goes to zero, and the spread direction
#
# $$ w = 0.1\, \frac{1 - p}{(1 - p) + p / 100} . $$
#
# They are equal where $(1 - p) + p / 100 = 0.1$, at $p = 10/11$; above it the spread direction ranks first, with a tenth of the variance. Close to $p = 1$ all scores vanish like
# $w \approx l\, m\, (1 - p)$: variance times number of pixels decides, here $1$ against $10$.

# %% tags=["solution"]
for p in (0.5, 0.9, 10 / 11, 0.99, 0.999):
    pixel, spread = masking_score([1, 0.1], [1, 100], p)
    print(f"p = {p:.3f}: pixel {pixel:.4f}, spread direction {spread:.4f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 30 min. Masks cannot remove the smooth background. Design a noise that can, and test it with `spectral.additive_moments`.
#
# Add *other* smooth fields of amplitude $\alpha$, independent of the image. With $F$ the covariance of such fields, $C_x = S$ stays and $C = S + \alpha^2 F$ grows where the background lives. A direction with variance
# $l$ in the data and $f$ in the fields scores about $l^2 / (l + \alpha^2 f)$: the smooth directions are discounted, the digits' are not, for $f$ is small there.

# %% tags=["solution"]
mnist = recipes.tiny_mnist(standardized=False)
rows = np.random.default_rng(ch.seed).permutation(8000)[:n]
images = torch.cat([mnist.x_train[rows], mnist.x_test]) + data.smooth_background(n + 2000, 14, seed=ch.seed)
X = images.double().flatten(1).numpy()
X = X - X[:n].mean(axis=0)
y = torch.cat([mnist.y_train[rows], mnist.y_test]).numpy()


def accuracy(Z):
    Z = Z / Z[:n].std()
    return evaluation.ridge_probe(Z[:n], y[:n], Z[n:], y[n:], lam=1e-3, standardize=False)


# %% tags=["solution"]
fields = data.smooth_background(5000, 14, seed=ch.seed + 1000).flatten(1).numpy()
F = fields.T @ fields / 5000
for amplitude in (0, 0.5, 1, 2, 5):
    moments = spectral.additive_moments(X[:n], amplitude**2 * F)
    V = spectral.reduced_rank_regression(moments.C_clean, moments.C, 16).V
    print(f"amplitude {amplitude}: accuracy {accuracy(X @ V):.2f}")

# %% [markdown] tags=["solution"]
# The noise must know what is to be forgotten. That is the first step of the next chapter.

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Which additive noises change nothing, for any task? Try covariances that are powers of $S$.
#
# Those whose covariance shares the eigenvectors of $S$ and keeps the order of the scores. Then the same $K$ directions are learned, whatever the task is. For $c\, S^q$ the score is
# $w = l^2 / (l + c\, l^q)$, and
#
# $$ \frac{dw}{dl} = \frac{l^2 + c\, (2 - q)\, l^{q+1}}{(l + c\, l^q)^2} , $$
#
# which is positive for all $l$ and $c$ exactly when $q \le 2$. Gaussian noise is $q = 0$. With $q = 3$ and a large $c$ the score *falls* where $c\, l^2 > 1$: the largest directions are dropped.

# %% tags=["solution"]
S = X[:n].T @ X[:n] / n
S = S / np.linalg.norm(S, 2)
pca = spectral.reduced_rank_regression(S, S, 16).V
for q in (0, 1, 2, 3):
    V = spectral.reduced_rank_regression(S, S + 1e3 * np.linalg.matrix_power(S, q), 16).V
    turned = spectral.principal_angles(pca, V).max()
    print(f"q = {q}: turned by {turned:.1f} degrees, accuracy {accuracy(X @ V):.2f}")

# %%
ch.footer()
