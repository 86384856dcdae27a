# %% [markdown]
# # Spectral embedding
#
# A self-supervised method is told which samples belong together, and no more. That list of pairs is a graph, and the graph decides what is learned:
# after this lesson you can write down where VICReg and SimCLR end *without training them*, read off how many dimensions survive, and say what is left
# when the pairs were the wrong ones.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np

import cookbook as cb
from replearn import evaluation, spectral
from replearn.papers.spectral_embedding import nuisance_digits

ch = cb.Chapter("spectral_embedding", scale=scale, seed=seed)

# %% [markdown]
# ## 1 · Someone chose the pairs
#
# Here are three digits on two backgrounds. Which pictures are *the same thing*?

# %%
scene = nuisance_digits(seed=ch.seed)
ch.figures.two_rules(scene)

# %% [markdown]
# *Look at the bars: they are the pairs.* On the left a pair shares its digit (black), in the middle its background (in colours). On the right is what a
# method gets: their sum, 64 grey values. Someone picks one rule, and only later somebody asks for the digit.
#
# **Pairs are a graph.** For $N$ samples let $G_{ij} > 0$ where $i$ and $j$ are a pair and $G_{ij} = 0$ elsewhere, so $G$ is symmetric. The method
# gives sample $i$ a row $z_i$ of the embedding $Z$ ($N \times K$) and wants the two rows of a pair close. Expand
# $\|z_i - z_j\|^2 = \|z_i\|^2 + \|z_j\|^2 - 2 z_i^\top z_j$ and sum:
#
# $$ \sum_{ij} G_{ij} \|z_i - z_j\|^2 = 2 \operatorname{tr}(Z^\top L Z), \qquad L = D_G - G . $$
#
# $D_G$ is diagonal and holds the *degrees* $\sum_j G_{ij}$; $L$ is the *Laplacian*. The 2 is there because the sum meets every pair twice.

# %% [markdown]
# Now take an eigenvector of the Laplacian, $L u_k = \lambda_k u_k$. It gives one number to each sample, and $\lambda_k = u_k^\top L u_k$ says how much
# the numbers differ across pairs. We count from $k = 0$: $\lambda_0 = 0$ belongs to the constant vector, which says nothing.
#
# To see one, scatter 120 points on a strip and join each with its 8 nearest.
#
# *Guess first:* which way of numbering the points differs least across pairs?

# %%
points = np.random.default_rng(ch.seed).uniform(size=(120, 2)) * [5, 1]
strip = spectral.knn_graph(points, 8).toarray()
strip_laplacian = np.diag(strip.sum(axis=1)) - strip
eigenvalues, eigenvectors = np.linalg.eigh(strip_laplacian)
ch.figures.numberings(points, strip, eigenvalues, eigenvectors)

# %% [markdown]
# **What you saw.** The first eigenvectors are slow waves along the strip; the larger $\lambda_k$, the rougher the wave.
#
# > **Check yourself.** Cut the strip into two pieces with no pair between them. How many eigenvalues are 0 now?
#
# ## 2 · VICReg, solved without training
#
# VICReg wants two things: dimensions of variance 1 without correlation, and pairs close together. With squares throughout, and a weight
# $\mathrm{inv}$ for the second wish (*invariance*), its loss is
#
# $$ \mathcal L(Z) = \|\mathrm{Cov}(Z) - I\|_F^2 + \frac{\mathrm{inv}}{N} \sum_{ij} G_{ij} \|z_i - z_j\|^2 . $$
#
# $\|\cdot\|_F^2$ sums the squared entries. Nothing changes if a constant is added to all rows, so let $Z$ be centred: $\mathrm{Cov}(Z) = Z^\top Z / N$.
# Put $M = ZZ^\top / N$. Then $\|\mathrm{Cov}(Z)\|_F = \|M\|_F$, $\operatorname{tr} \mathrm{Cov}(Z) = \operatorname{tr} M$, and by section 1 the
# second term is $2\, \mathrm{inv} \operatorname{tr}(L M)$. Complete the square:
#
# $$ \mathcal L = \|M\|_F^2 - 2 \operatorname{tr} M + K + 2\, \mathrm{inv} \operatorname{tr}(LM) = \big\| M - (I - \mathrm{inv}\, L) \big\|_F^2 + \text{const} . $$

# %% [markdown]
# So VICReg looks for the matrix $M$ nearest to $I - \mathrm{inv}\, L$. But $M = ZZ^\top / N$ has no negative eigenvalue and at most $K$ positive ones.
# The nearest such matrix keeps the $K$ largest eigenvalues of its target and sets what is negative among them to 0 (the theorem of Eckart and Young).
# The eigenvalues of the target are $1 - \mathrm{inv}\, \lambda_k$. With $(a)_+ = \max(a, 0)$ the minimum is therefore
#
# $$ Z^\star = \sqrt N\, \big[ \sqrt{v_1}\, u_1, \dots, \sqrt{v_K}\, u_K \big], \qquad v_k = (1 - \mathrm{inv}\, \lambda_k)_+, \qquad
#    \mathcal L^\star = K - \sum_{k=1}^K v_k^2 , $$
#
# or any rotation of these columns. Column $k$ has variance $v_k$: smooth directions first, each a little shrunk, and none at all once $\lambda_k$
# passes $1 / \mathrm{inv}$. (The constant $u_0$ is out, as $Z$ is centred.) In code:


# %%
def solve_vicreg(graph, K, inv):
    laplacian = np.diag(graph.sum(axis=1)) - graph
    eigenvalues, eigenvectors = np.linalg.eigh(laplacian)
    variances = np.maximum(1 - inv * eigenvalues[1 : K + 1], 0)
    return np.sqrt(len(graph) * variances) * eigenvectors[:, 1 : K + 1]


# %% [markdown]
# Is it true? L-BFGS, a descent method, starts from random numbers and knows nothing of eigenvectors. We let it minimise $\mathcal L$ on the strip,
# $K = 4$, from three starts.
#
# *Guess first:* will all three end at the same loss? At the same embedding?

# %%
inv = 0.35 / eigenvalues[5]
theory = solve_vicreg(strip, 4, inv)
predicted_loss = 4 - np.sum((1 - inv * eigenvalues[1:5]) ** 2)

loss = partial(spectral.vicreg_graph_loss, L=strip_laplacian, inv=inv)
runs = [spectral.minimize_embedding(loss, 120, 4, seed=3 * ch.seed + start) for start in range(3)]
ch.figures.descents(runs, predicted_loss)

# %% [markdown]
# *Look at the right end of the curves.* Columns may be rotated, so we compare the embeddings by the angle between the spaces that their columns span,
# and by what is left of the difference after the best rotation.

# %%
found = [run.Z - run.Z.mean(axis=0) for run in runs]
ch.measure(
    "closed-form",
    loss=[abs(run.losses[-1] / predicted_loss - 1) for run in runs],
    span=[spectral.principal_angles(Z, theory).max() for Z in found],
    shape=[spectral.procrustes(Z, theory)[2] for Z in found],
)

# %% [markdown]
# **What you saw.** Descent ends at the loss, the space and the shape that five lines of linear algebra predict.
#
# Now move the theorem. Each dot on the left is one of the first 20 eigenvectors of the strip's Laplacian, its height the variance $v_k$. On the right
# are the first two columns of $Z^\star$, coloured by the place along the strip. Drag `inv` to the right: rough directions die first, the curve
# flattens to a line, the line shrinks to a point.

# %%
plane = spectral.fix_signs(np.sqrt(120) * eigenvectors[:, 1:3])
cb.explore(ch.figures.threshold, eigenvalues[1:21], plane, points[:, 0], inv=cb.log_slider(0.3, 0.03, 30))

# %% [markdown]
# > **Check yourself.** From which `inv` on is nothing left? Which eigenvalue tells you?
#
# ## 3 · Who loses dimensions?
#
# In practice a pair is two *views* of one image. Take 20 images with 4 views each: $G$ is 20 groups of 4, all joined within a group. Its Laplacian has
# only two eigenvalues, 0 (twenty times; nineteen without the constant) and 4 (sixty times). We ask for $K = 32$ dimensions, count those
# that descent leaves alive, and choose `inv` just below and just above $1/4$.
#
# *Guess first:* how many of the 32 survive in each case?

# %%
views = spectral.augmentation_graph(np.repeat(np.arange(20), 4)).toarray()
vicreg = partial(spectral.vicreg_graph_loss, L=np.diag(views.sum(axis=1)) - views)


def surviving_dimensions(loss, n=80):
    Z = spectral.minimize_embedding(loss, n, 32, seed=ch.seed).Z
    sizes = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False)
    return np.sum(sizes > 1e-3 * sizes[0])


# %%
just_below = surviving_dimensions(partial(vicreg, inv=0.9 / 4))
just_above = surviving_dimensions(partial(vicreg, inv=1.1 / 4))
ch.measure("large-inv-collapses", just_below=just_below, just_above=just_above)

# %% [markdown]
# **What you saw.** The weight of invariance decides: below the threshold VICReg fills all 32 dimensions, above it only the 19 that tell images apart.
#
# **SimCLR** pulls pairs together and pushes *every* two samples apart. With a square in place of its logarithm of a sum of exponentials (the
# *spectral contrastive loss*) it reads
#
# $$ \mathcal L(Z) = -2 \sum_{ij} G_{ij}\, z_i^\top z_j + \sum_{ij} (z_i^\top z_j)^2 = \| ZZ^\top - G \|_F^2 - \|G\|_F^2 . $$
#
# The last step of section 2 solves it too, only that the target is now $G$ itself: the columns of $Z^\star$ are $\sqrt{s_k}$ times the eigenvectors
# of $G$ for its $K$ largest *positive* eigenvalues $s_k$. No weight can change their number. **Barlow Twins** wants the correlations between the two
# sides of a pair to be the identity; it has the same limit ([derived in the lab](spectral_embedding_lab.ipynb)).
#
# *Guess first:* the $G$ of the views has the eigenvalues 3 (twenty times) and $-1$ (sixty times). How many of 32 dimensions will the two fill?

# %%
contrastive = surviving_dimensions(partial(spectral.contrastive_graph_loss, S=views))
barlow = surviving_dimensions(partial(spectral.barlow_graph_loss, G=views))
ch.measure("positive-eigenvalues", contrastive=contrastive, barlow=barlow)

on_strip = surviving_dimensions(partial(spectral.contrastive_graph_loss, S=strip), n=120)
ch.measure("not-the-method", dimensions=on_strip)
ch.figures.ranks({"8 neighbours on a strip": strip, "20 images, 4 views each": views})

# %% [markdown]
# *Look at the blue staircases.* Turning `inv` moves VICReg up and down; the lines of the other two stand still at what the graph allows.
#
# **What you saw.** The two have as many dimensions as the graph has positive eigenvalues, less the one that the mean takes: 19. On the strip, whose
# graph has more of them, the same contrastive loss fills the space.
#
# > **Check yourself.** A label graph joins all samples of a class. With 1000 classes, how many of 2048 dimensions can SimCLR fill?
#
# ## 4 · The right pairs and the wrong pairs
#
# Back to the digits. Let the encoder be linear: $z = W^\top x$ for a centred picture $x$ of $D = 64$ pixels, so $Z = XW$ with the pictures as
# the rows of $X$. The steps of section 2 go through with $W$ for $Z$, and the eigenproblem becomes one in pixel space:
#
# $$ X^\top L X\, w_k = \mu_k\, X^\top X\, w_k , \qquad \text{column } k \text{ of } W^\star \propto \sqrt{(1 - \mathrm{inv}\, \mu_k)_+}\; w_k . $$

# %% [markdown]
# Join all pictures of one class $c$, with $G_{ij} = 1 / n_c$ for a class of $n_c$ pictures (each also with itself, which leaves $L$ as it is). Then $X^\top L X$ is the scatter *within* classes and
# $X^\top X$ the total, so $\mu_k$ is the share of variance within classes. Ten classes leave **nine** directions with $\mu_k < 1$; the other 55 have
# $\mu_k = 1$ exactly: a tie. With `inv` below 1 VICReg keeps all 64, the tied ones in an arbitrary order, which we draw at random. Above 1 it keeps
# nine, and so does the contrastive loss.

# %%
chance = np.random.default_rng(ch.seed)


def directions(labels, method, K=64, inv=0.05):
    pairs = spectral.label_graph(labels, normalize="class", self_loops=True)
    W = spectral.linear_ssl(scene.x_train, pairs, K, method=method, inv=inv, ridge=1e-6).W
    if method == "vicreg" and inv < 1:
        turn, _ = np.linalg.qr(chance.standard_normal((55, 55)))
        W = np.hstack([W[:, :9], W[:, 9:] @ turn])
    return W


# %% [markdown]
# The judge is a linear probe: ridge regression learns to read the digit off the first $K$ columns for 1200 pictures, and is scored on 597 new ones. The
# baseline is $K$ random directions of pixel space.


# %%
def accuracy(W, K):
    z, z_new = scene.x_train @ W[:, :K], scene.x_test @ W[:, :K]
    return evaluation.ridge_probe(z, scene.digit_train, z_new, scene.digit_test)


random_directions = chance.standard_normal((64, 64))

# %% [markdown]
# *Guess first:* each method gets **nine** dimensions. Which of them knows the digit after pairs that share the digit? After pairs that share the
# background?

# %%
methods = {"vicreg": 64, "contrastive": 64, "barlow": 9}
right = {name: directions(scene.digit_train, name, K) for name, K in methods.items()}
wrong = {name: directions(scene.pattern_train, name, K) for name, K in methods.items()}

nine_right = [accuracy(W, 9) for W in right.values()]
nine_wrong = [accuracy(W, 9) for W in wrong.values()]
ch.measure("right-pairs", worst=min(nine_right), gain=min(nine_right) - accuracy(random_directions, 9))
ch.measure("wrong-pairs", best=max(nine_wrong))

# %% [markdown]
# **What you saw.** With as many dimensions as the rule has use for, no method is safer than another. The right pairs keep the digit in all three, the
# wrong pairs in none.
#
# But section 3 said that VICReg may have more dimensions than the graph has use for. Give every method **32**, still fewer than pixels. (For Barlow
# Twins the answer hangs on a detail of the graph: [see the lab](spectral_embedding_lab.ipynb).)
#
# *Guess first:* after the wrong pairs, does VICReg with small `inv` beat the contrastive method? And 32 random directions?

# %%
large_inv = directions(scene.pattern_train, "vicreg", inv=1.01)
survivor = accuracy(wrong["vicreg"], 32)
others = [accuracy(W, 32) for W in (wrong["contrastive"], large_inv)]
ch.measure("room", gain=[survivor - other for other in others])
ch.measure("not-learned", gap=accuracy(random_directions, 32) - survivor)

# %% [markdown]
# Both are true, and the second is why the first must be read with care. Drag `K`, and switch the rule:

# %%
sizes = sorted([9, *range(4, 65, 4)])
curves = {"sizes": sizes}
for shared, labels, found in (("digit", scene.digit_train, right), ("background", scene.pattern_train, wrong)):
    encoders = found | {"large inv": directions(labels, "vicreg", inv=1.01), "random": random_directions}
    curves[shared] = {name: [accuracy(W, K) for K in sizes] for name, W in encoders.items() if name != "barlow"}

cb.explore(ch.figures.room, curves, K=(4, 64, 1), pairs=["background", "digit"])

# %% [markdown]
# *Look at the solid blue line.* It leaves the floor where the nine background directions end, and meets the grey line only at $K = 64$, where nothing
# is left to drop.
#
# **What you saw.** VICReg with small `inv` survives wrong pairs because it has *room*, not because it learned better. Nine dimensions are spent on the
# background, and nothing chose the others. They fall behind random directions also because each is scaled to variance 1, however faint its pixels.
#
# > **Check yourself.** With the right pairs, why do the blue lines stay flat beyond $K = 9$?

# %% [markdown]
# ## What breaks
#
# - **Ties.** Groups of views tie all images: nineteen equal eigenvalues. Within a tie the minimum is arbitrary, so these formulas say *nothing* about
#   how different images relate. A network breaks the tie by what it computes easily ([next chapter](../02_kernel_regime/kernel_regime.ipynb)).
# - **The real losses.** SimCLR itself has no closed form here, only its squared stand-in. VICReg's own penalty on the standard deviation is a hinge:
#   it shrinks directions but never quite removes them (exercise 3).
# - **The network.** A free $Z$ is a network that can output anything; a linear map is the other extreme. Deep networks are in between.
# - **The digits.** That VICReg with small `inv` survives wrong pairs is the paper's; the pictures, the numbers and the random directions are ours.

# %% [markdown]
# ## Summary
#
# 1. Pairs are a graph, and the closeness of pairs is a quadratic form in its Laplacian: $2 \operatorname{tr}(Z^\top L Z)$.
# 2. VICReg's minimum is written down at once: the smoothest eigenvectors, with variances $(1 - \mathrm{inv}\, \lambda_k)_+$.
# 3. A large `inv` removes dimensions, rough ones first; contrastive and Barlow Twins have as many as the graph has positive eigenvalues.
# 4. Right pairs keep the digit in nine dimensions of every method. Wrong pairs ruin every method that has no dimension to spare.
# 5. What survives wrong pairs survives because it was not dropped; random directions do that better.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Take the path 1 – 2 – 3 and $z = (0, 1, 3)$. Work out $\sum_{ij} G_{ij} (z_i - z_j)^2$ and $z^\top L z$ by hand. Where does the
# factor 2 come from?
#
# <details><summary>Hint</summary>The double sum meets the pair (1, 2) as $ij = 12$ and as $ij = 21$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 25 min. On a strip of length $a$ and width $b$ the waves along it have eigenvalues in proportion to $(n/a)^2$, the first wave across to
# $(1/b)^2$. Why is VICReg's second coordinate a parabola of the first when the strip is long? Below which $a/b$ does the width appear in $K = 2$
# dimensions? Measure it.
#
# <details><summary>Hint</summary>The waves are cosines, and $\cos 2t = 2 \cos^2 t - 1$. Use a grid of points, slightly stretched.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 60 min. VICReg in practice has the hinge $\sum_k (1 - \mathrm{std}_k)_+$ and a strong penalty on covariances. Show that its minimum has
# the variances $\min(1, 1/(4\, \mathrm{inv}\, \lambda_k)^2)$, and measure them by gradient descent. Why do they never reach 0?
#
# <details><summary>Hint</summary>Along the eigenvectors the dimensions do not interact. Minimise over one standard deviation alone.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero, Y. LeCun. [Contrastive and Non-Contrastive Self-Supervised Learning Recover Global and Local Spectral Embedding
#   Methods](https://arxiv.org/abs/2205.11508). *NeurIPS*, 2022.
# - M. Belkin, P. Niyogi. Laplacian Eigenmaps for dimensionality reduction and data representation. *Neural Computation*, 2003.
# - J. HaoChen et al. Provable guarantees for self-supervised deep learning with spectral contrastive loss. *NeurIPS*, 2021.

# %%
ch.footer()
