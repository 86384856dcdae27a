# %% [markdown]
# # The SSL interplay: solutions
#
# The exercises of the lesson and of the lab, and answers to *Check yourself*. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np

import cookbook as cb
from replearn import spectral
from replearn.papers import ssl_interplay as world

ch = cb.Chapter("ssl_interplay_solutions", scale=scale, seed=seed)
draw = np.random.default_rng(ch.seed)
cube = world.hypercube(8)
_, parities, degree, spread = world.parity_basis(8)
nu = world.degree_eigenvalues(lambda u: np.exp(2 * u), 8)
crops = world.augmentation_operator(world.crop_channel(8, 4))

# %% [markdown]
# ## Check yourself
#
# **Lesson, 1.** No. It agrees on the views that it saw and far less on new ones, as the cell below shows: it is overfitted. The loss has very many minima, and most of them do not carry over; the cheapest do.
#
# **Lesson, 2.** Where all three lines are at or below 0. That is from the largest of $0.9 / 0.4 = 2.25$, $0.75 / 0.25 = 3$, $0.5 / 0.125 = 4$ on: $\lambda \ge 4$.
#
# **Lesson, 3.** Crops like her features less, the farther apart the bits are, and for bits four apart not at all. But few bits are cheap. She should take *more* weight decay, or better, another augmentation: one that does not favour neighbours.
#
# **Lesson, 4.** Like the point at $10^{-8}$: a bias towards small weights breaks the tie as an infinitely small weight decay does, in favour of cheap features.
#
# **Lab, A.** The term $-\lambda N k^{-1}$ takes over, and all eigenvalues of $T$ become negative: the embedding is 0, complete collapse.
#
# **Lab, B.** Groups of spread 5 or more: a window of four never holds them, so their agreement is 0 and their bar is $-\lambda\, \mathrm{price} < 0$. Not being below the dashed line does not help them: 33 others are always higher.
#
# **Lab, C.** With $W = 0$ the loss is $K$, and the minimum is $K - \sum_i e_i^2$ over the positive $e_i$. The difference is their sum of squares.
#
# **Lab, D.** Those of small norm, with $\mathbb E \|z\|^4$ small: all $m_i$ come out too small, as with another penalty.

# %%
seen = world.digit_views(ch.pick(fast=150, toy=300), views=8, seed=ch.seed)
old = np.arange(len(seen.x)) % 8 < 4  # four views to learn from, four new ones
x, image = seen.x[old], seen.image[old]
width = spectral.median_bandwidth(x) / 2**0.5
k, k_new = (spectral.rbf_kernel(a, x, bandwidth=width) for a in (x, seen.x[~old]))
k += 1e-8 * np.eye(len(k))
directions, _ = np.linalg.qr(draw.standard_normal((len(seen.y), 20)))
both = world.interplay_solution(np.equal.outer(image, image) / 4, k, 20, lam=1e-5)
# %%
for name, Z in {"augmentations alone": directions[image], "both": both.Z}.items():
    z = (k_new @ np.linalg.solve(k, Z)).reshape(-1, 4, 20)
    pairs = ((z.sum(1) ** 2).sum() - (z**2).sum()) / 3  # products of different views
    print(f"{name}: agreement of new views {pairs / (z**2).sum():.2f}")

# %% [markdown]
# ## The lesson's exercises

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that bit flips with probability $p < 1/2$ give no interplay: no $\lambda$ changes the order of the parities. (A flip multiplies a bit by $1 - 2p$ on average.)
#
# A parity of $|S|$ bits is multiplied by $(1 - 2p)^{|S|}$ on average, so $\mathrm{agree} = (1 - 2p)^{2 |S|}$ depends on the number of bits alone and falls with it. The price $1 / \nu_{|S|}$ depends on the number of bits alone and rises with it. So $e = 1 - \beta + \beta\, \mathrm{agree} - \lambda\, \mathrm{price}$ falls with the number of bits at *every* $\lambda \ge 0$.

# %% tags=["solution"]
for lam in np.geomspace(1e-8, 1e-1, 4):
    worth = world.interplay_eigenvalues(0.8 ** (2 * np.arange(9)), nu, lam=lam)
    print(f"lambda = {lam:.0e}: falls with the number of bits: {np.all(np.diff(worth) < 0)}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Show that (1) with $\beta = 1$, $\lambda = 0$ is $-2\, \mathbb E\, z^\top z' + \mathbb E\, (z^\top y)^2 + K$, where $y$ is the embedding of a view of another input: the spectral contrastive loss. Check it on the cube.
#
# Write $C = \mathbb E\, z z^\top$. Both views have the same distribution, so $\mathbb E \|z - z'\|^2 = 2 \operatorname{tr} C - 2\, \mathbb E\, z^\top z'$, and $\|C - I\|_F^2 = \|C\|_F^2 - 2 \operatorname{tr} C + K$. In the sum $2 \operatorname{tr} C$ cancels. What is left of the second is
#
# $$ \|C\|_F^2 = \operatorname{tr}(C\, C) = \mathbb E \operatorname{tr}(z z^\top y y^\top) = \mathbb E\, (z^\top y)^2 $$
#
# for two independent samples $z$ and $y$.

# %% tags=["solution"]
z = draw.standard_normal((256, 5))
agreement = np.sum(z * (crops @ z)) / 256  # mean of the product of z and z'
second = z.T @ z / 256
ours = 2 * np.trace(second) - 2 * agreement + np.sum((second - np.eye(5)) ** 2)
contrastive = -2 * agreement + np.mean((z @ z.T) ** 2) + 5
print(f"the same: {np.isclose(ours, contrastive)}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Crop narrower: $w = 3$. Where do triples and spread pairs change places now? Can $\beta = 1$ learn the spread pairs at any $\lambda$?
#
# A window of three never holds two bits that are three apart: the pairs have agreement 0. A local triple lies in one window of eight, so it has $(1/8)^2 = 1/64$. The lines cross where $\beta / 64 = \lambda\, (1 / \nu_3 - 1 / \nu_2)$, at a third of the $\lambda$ that they crossed at before. With $\beta = 1$ the pairs have $e = -\lambda / \nu_2$, which is never positive: they cannot be learned.

# %% tags=["solution"]
for w, triple, pair in [(4, 1 / 16, 1 / 64), (3, 1 / 64, 0)]:
    print(f"w = {w}: they change places at lambda = {0.9 * (triple - pair) / (1 / nu[3] - 1 / nu[2]):.5f}")

# %% [markdown] tags=["solution"]
# ## The lab's exercises
#
# **L1** ●●○ 20 min. Why do 64 views lose to 8 at a fixed budget? Measure what is left of the risk of 64 and of 512 images when each has very many views.
#
# $\hat C_+$ and $\hat C_\Phi$ vary for two reasons: which images were drawn, and which views of them. More views of an image reduce the second part only. With very many views only the images' part is left, about in proportion to $1/n$; and at a fixed budget more views mean fewer images. Measure that part by giving each image 128 views:

# %% tags=["solution"]
phi = (parities * np.sqrt(nu[degree]))[:, degree <= 3]
C, C_plus = phi.T @ phi / 256, phi.T @ crops @ phi / 256
best = np.sum(spectral.moment_ssl(C, C_plus, 9, lam=1e-3).eigenvalues ** 2)


def excess(n, m):
    images = np.tile(cube[draw.integers(0, 256, n)], (m, 1, 1))
    seen = world.crop_views(images.reshape(-1, 8), 4, generator=draw).reshape(m, n, 8)
    W = spectral.moment_ssl(*spectral.view_moments(phi[(seen < 0) @ 2 ** np.arange(8)[::-1]]), 9, lam=1e-3).W
    return np.sum((W.T @ C @ W) ** 2) - 2 * np.trace(W.T @ C_plus @ W) + 2e-3 * np.sum(W**2) + best


# %% tags=["solution"]
for n, m in [(512, 8), (64, 64), (512, 128), (64, 128)]:
    risk = np.mean([excess(n, m) for _ in range(ch.pick(fast=3, toy=10))])
    print(f"{n} images, {m} views of each: excess risk {risk:.3f}")

# %% [markdown] tags=["solution"]
# What 128 views leave over is the images' part. For 64 images it is nearly all that 64 views pay; for 512 images it is small.

# %% [markdown] tags=["solution"]
# **L2** ●●● 60 min. Replace the kernel by that of a ReLU layer without biases, $h(u) = \frac1\pi \big( \sqrt{1 - u^2} + u\, (\pi - \arccos u) \big)$ with $u = v^\top v' / 8$. Which parities can never be learned, whatever the augmentations?
#
# $h(u) - h(-u) = u$: the odd part of $h$ is $u / 2$, which is made of the parities of one bit. The rest, $h(u) - u / 2$, is even. $\nu_m$ is the mean of $h$ times a parity of $m$ bits; for odd $m$ this parity is an odd function of the input, so it sees only the odd part. Hence $\nu_3 = \nu_5 = \nu_7 = 0$: an infinite price, which no augmentation can pay. Biases in the layer break the symmetry of $h$ and repair this.

# %% tags=["solution"]
relu = world.degree_eigenvalues(lambda u: (np.sqrt(1 - u**2) + u * (np.pi - np.arccos(u))) / np.pi, 8)
for m, value in enumerate(relu):
    print(f"{m} bits: {abs(value):.5f}")

# %%
ch.footer()
