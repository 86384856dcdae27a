# %% [markdown]
# # Learning by reconstruction: solutions
#
# Try each exercise first: a wrong guess that you can explain teaches more than a right answer that you read.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from torch import nn

import cookbook as cb
from replearn import data, evaluation, spectral
from replearn.papers import reconstruction_features as world

ch = cb.Chapter("reconstruction_features_solutions", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)
n = ch.pick(fast=1000, toy=4000)
x, y = world.noisy_digits(n, waves=16, seed=ch.seed)
covariance = x[:n].T @ x[:n] / n
l, w = world.principal_directions(x[:n])


def accuracy(z, lam=1e-3, scale=None):
    z = z / (scale or z[:n].std())
    return evaluation.ridge_probe(z[:n], y[:n], z[n:], y[n:], lam=lam, standardize=False)


# %% [markdown]
# ## Check yourself
#
# **1, the two parts.** The top part is directions 1 to 7, the bottom part nearly always 5 to 196. Directions 5, 6 and 7 are in both. They are waves like the others: without them the bottom part reads as well (below).
#
# **2, the end of dragging.** Tastes differ; beyond a time of about 5,000 the error is below one per cent, and what is missing is hard to see. The accuracy is then about 0.79, and rises to 0.83.
#
# **3, no background, nine features.** The accuracies differ by about a tenth. But the errors differ by some five per cent of the variance, over twenty times as much as in section 4. That is not "the same error".
#
# **4, smooth blobs.** No. A blob is spread over many pixels, so its $m$ is large and its score hardly discounted; what is hidden of it can be told from what is not. Its place in the queue stays, or moves to the front.
#
# **Lab E, the grey line.** Shuffled labels have nothing to do with the pixels, except by chance. A small $\mathrm{pix}$ turns features towards chance correlations in the training images, which on new images are worth nothing. With 16 features it is the waves that give way, and nothing is lost for the digit. With 24 it is features that know the digit.

# %%
for first in (4, 7):
    print(f"directions {first + 1} to 196: accuracy {accuracy(x @ w[:, first:]):.2f}")

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Gaussian noise keeps the order: $\mu = l^2 / (l + \sigma^2)$ grows with $l$.
#
# $$ \frac{d\mu}{dl} = \frac{2 l\, (l + \sigma^2) - l^2}{(l + \sigma^2)^2} = \frac{l\, (l + 2 \sigma^2)}{(l + \sigma^2)^2} > 0 . $$

# %% tags=["solution"]
grid = np.linspace(0.01, 5, 100)
for sigma in (0, 0.3, 3):
    print(f"sigma = {sigma}: grows on a grid: {np.all(np.diff(grid**2 / (grid + sigma**2)) > 0)}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. A pixel of variance 1 against a direction of variance 0.1 on 100 pixels.
#
# By (5) the pixel has $\mu = 1 - h$ and the direction
#
# $$ \mu = 0.1\, \frac{1 - h}{(1 - h) + h / 100} . $$
#
# They are equal where $(1 - h) + h / 100 = 0.1$, at $h = 10/11$; beyond it the direction ranks first, with a tenth of the variance. Near $h = 1$ all scores vanish like $l\, m\, (1 - h)$: variance times number of pixels decides, here 1 against 10.

# %% tags=["solution"]
for h in (0.5, 0.9, 10 / 11, 0.99, 0.999):
    pixel, spread = world.masking_score([1, 0.1], [1, 100], h)
    print(f"h = {h:.3f}: pixel {pixel:.4f}, direction {spread:.4f}")

# %% [markdown] tags=["solution"]
# **3** ●●● 40 min. A noise that removes the smooth background.
#
# Add *other* smooth fields of amplitude $\alpha$, independent of the image. With $F$ the covariance of such fields, $Q = \Sigma$ stays and $C = \Sigma + \alpha^2 F$ grows where the background lives. A direction with variance $l$ in the data and $f$ in the fields scores about $l^2 / (l + \alpha^2 f)$: the waves are discounted, and the strokes are not, for $f$ is small there. The noise must know what is to be forgotten. That is the first step of the [next chapter](../09_joint_embedding_vs_reconstruction/joint_embedding_vs_reconstruction.ipynb).

# %% tags=["solution"]
fields = data.smooth_background(5000, 14, seed=ch.seed + 1000).flatten(1).numpy()
F = fields.T @ fields / 5000
for alpha in (0, 0.5, 1, 2, 5):
    moments = spectral.additive_moments(x[:n], alpha**2 * F)
    V = spectral.reduced_rank_regression(moments.C_clean, moments.C, 16).V
    print(f"alpha = {alpha}: accuracy {accuracy(x @ V):.2f}")

# %% [markdown] tags=["solution"]
# **L1** ●○○ 15 min. Labels alone.
#
# With $\mathrm{pix} = 0$ the matrix $Q Q^\top = \mathbb E[x y^\top]\, \mathbb E[y x^\top]$ has the rank of $\mathbb E[x y^\top]$. The ten columns of a centred one-hot $y$ add up to 0, so the rank is nine: nine features are determined, and all others have $\mu = 0$. They are arbitrary, for the loss does not see them. The smallest weight on the pixels decides them, at once.

# %% tags=["solution"]
onehot = np.eye(10)[y[:n]]
print("scores", (world.joint_encoder(x[:n], onehot, 12, lam=0.0).phi[:12] ** 2).round(5))

# %% [markdown] tags=["solution"]
# **L2** ●○○ 15 min. The background three times as loud.
#
# Direction $k$ is half learned at $\log(1/g_0 - 1) / (4\, l_k)$. That depends on its own variance and on nothing else. The strokes' variances stay what they were, so in absolute time the digit comes when it came before. But $l_1$ has grown ninefold, and in units of $1/l_1$ it comes nine times later. Whoever lowers the step size so that descent stays stable for $l_1$ waits nine times as many steps: the unit is not a matter of taste.

# %% tags=["solution"]
clock = np.geomspace(1, 1e6, 31)
for amp in (1.0, 3.0):
    x_amp, _ = world.noisy_digits(n, amp=amp, seed=ch.seed)
    variances, directions = world.principal_directions(x_amp[:n])
    gains = world.linear_autoencoder_flow(variances / variances[0], clock, 1e-6)
    reads = np.array([accuracy(x_amp @ directions * np.sqrt(gain), 1e-4, 1) for gain in gains])
    legible = clock[np.argmax(reads >= 0.95 * reads[-1])]
    print(f"amp {amp}: legible at {legible:.0f} / l_1 = {legible / variances[0]:.0f} in units of the pixels")

# %% [markdown] tags=["solution"]
# **L3** ●●○ 35 min. Four features, and two halves that do not match.
#
# The two equations of the lesson give $\frac{d}{dt} (\mathrm{enc}^2 - \mathrm{dec}^2) = 0$: a mismatch neither grows nor fades, and in comparison with what is learned it becomes small. With room for four directions only, all of them compete for the same features. The largest variance grows fastest and takes its place; the others go on with what is left. So the queue holds, direction by direction, and the first four are kept: descent ends at PCA.

# %% tags=["solution"]
patch = x[:n].reshape(n, 14, 14)[:, 5:9, 5:9].reshape(n, 16)
small = patch.T @ patch / n
small = small / np.linalg.norm(small, 2)
variances, directions = np.linalg.eigh(small)
encoder, decoder = 0.01 * rng.standard_normal((16, 4)), 0.01 * rng.standard_normal((4, 16))
for i in range(60_001):
    if i in (500, 5000, 10_000, 20_000, 60_000):
        gains = np.diag(directions.T @ encoder @ decoder @ directions)[:-7:-1]
        print(f"time {0.01 * i:5.0f}: gains of directions 1 to 6", gains.round(2))
    missing = 0.02 * small @ (np.eye(16) - encoder @ decoder)
    encoder, decoder = encoder + missing @ decoder.T, decoder + encoder.T @ missing

# %% [markdown] tags=["solution"]
# **L4** ●●○ 40 min. Which additive noises change nothing?
#
# Those whose covariance shares the eigenvectors of $\Sigma$ and keeps the order of the scores. Then the same $K$ directions are learned, whatever the task is. For $c\, \Sigma^q$ the score is $\mu = l^2 / (l + c\, l^q)$, and
#
# $$ \frac{d\mu}{dl} = \frac{l^2 + c\, (2 - q)\, l^{q+1}}{(l + c\, l^q)^2} , $$
#
# which is positive for all $l$ and $c$ exactly when $q \le 2$. Gaussian noise is $q = 0$. With $q = 3$ and a large $c$ the score *falls* where $c\, l^2 > 1$: the largest directions go back in the queue.

# %% tags=["solution"]
unit = covariance / l[0]
pca = x[:n] @ w[:, :16]
for q in (0, 1, 2, 3):
    V = spectral.reduced_rank_regression(unit, unit + 1e3 * np.linalg.matrix_power(unit, q), 16).V
    overlap = spectral.subspace_overlap(pca, x[:n] @ V)
    print(f"q = {q}: overlap with PCA {overlap:.2f}, accuracy {accuracy(x @ V):.2f}")

# %% [markdown] tags=["solution"]
# **L5** ●●● 80 min. An auto-encoder with ReLUs.
#
# One run, with Adam and a batch of 256, and features as they come out of the encoder, divided by one number. The untrained encoder reads half of the digits. While it learns the background the accuracy *falls*, and the digit comes back last, when most of the error is gone. Rescaling changes little here.

# %% tags=["solution"]
torch.manual_seed(ch.seed)
encoder = nn.Sequential(nn.Linear(196, 256), nn.ReLU(), nn.Linear(256, 64))
decoder = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 196))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
pixels = torch.tensor(x).float()
variance = pixels[:n].square().mean()
for step in range(ch.pick(fast=301, toy=3001)):
    if step in (0, 10, 30, 100, 300, 1000, 3000):
        with torch.no_grad():
            z, error = encoder(pixels).double().numpy(), (pixels - decoder(encoder(pixels)))[n:].square().mean()
        rescaled = evaluation.ridge_probe(z[:n], y[:n], z[n:], y[n:])
        print(
            f"step {step:4}: error {error / variance:.3f}, accuracy {accuracy(z):.2f}, features rescaled {rescaled:.2f}"
        )
    batch = pixels[torch.randint(n, (256,))]
    optimizer.zero_grad()
    (batch - decoder(encoder(batch))).square().mean().backward()
    optimizer.step()

# %%
ch.footer()
