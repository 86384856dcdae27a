# %% [markdown]
# # Spectral embedding
#
# A self-supervised method is told which samples belong together, and no more. That list of pairs is a graph, and the graph decides what is learned:
# after this lesson you can write down where the least-squares versions of VICReg and SimCLR end *without training them*, read off how many dimensions
# survive, and say what is left when the pairs were the wrong ones.

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
# Here are three digits on two backgrounds, the backgrounds alone at the left. Which pictures are *the same thing*?

# %%
scene = nuisance_digits(seed=ch.seed)
ch.figures.two_rules(scene)

# %% [markdown]
# *Look at the bars: they are the pairs.* In the second panel a pair shares its digit (black), in the third its background (one of ten patterns of noise).
# On the right is what a method gets: their sum, 64 grey values. Someone picks one rule, and only later somebody asks for the digit.
#
# **Pairs are a graph.** For $N$ samples let $G_{ij} > 0$ where $i$ and $j$ are a pair and $G_{ij} = 0$ elsewhere, so $G$ is symmetric. The method
# gives sample $i$ a row $z_i$ of the embedding $Z$ ($N \times K$) and wants the two rows of a pair close. Expand
# $\|z_i - z_j\|^2 = \|z_i\|^2 + \|z_j\|^2 - 2 z_i^\top z_j$ and sum:
#
# $$ \sum_{ij} G_{ij} \|z_i - z_j\|^2 = 2 \operatorname{tr}(Z^\top L Z), \qquad L = D_G - G . $$
#
# The product gives $G$; each of the two squared norms gives $D_G$, the diagonal matrix of the *degrees* $\sum_j G_{ij}$. $L$ is the *Laplacian*.

# %% [markdown]
# Now take an eigenvector of the Laplacian, of length 1: $L u_k = \lambda_k u_k$. It gives one number to each sample, and $\lambda_k = u_k^\top L u_k$
# says how much the numbers differ across pairs. We count from $k = 0$: $\lambda_0 = 0$ belongs to the constant vector, which says nothing.
#
# The digits come back in section 4; first a graph that can be drawn. Scatter 120 points on a strip and join each with its 8 nearest.
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
# > **Check yourself.** Cut the strip into two pieces with no pair between them. How many eigenvalues are 0? ([Answers](spectral_embedding_solutions.ipynb))
#
# ## 2 · VICReg, solved without training
#
# VICReg wants two things: dimensions of variance 1 without correlation, and pairs close together. With squares throughout, and a weight
# $\mathrm{inv}$ for the second wish (*invariance*), its loss is
#
# $$ \mathcal L(Z) = \|\mathrm{Cov}(Z) - I_K\|_F^2 + \frac{\mathrm{inv}}{N} \sum_{ij} G_{ij} \|z_i - z_j\|^2 . $$
#
# $\|\cdot\|_F^2$ sums the squared entries, and $I_K$ is the identity of size $K$. Nothing changes if a constant is added to all rows, so let $Z$ be
# centred: $\mathrm{Cov}(Z) = Z^\top Z / N$. The same numbers in size $N$ are $M = ZZ^\top / N$: the two share their eigenvalues other than 0, so
# they have one trace and one norm. By section 1 the second term is $2\, \mathrm{inv} \operatorname{tr}(L M)$. Complete the square:
#
# $$ \mathcal L = \|M\|_F^2 - 2 \operatorname{tr} M + K + 2\, \mathrm{inv} \operatorname{tr}(LM)
#    = \| M - T \|_F^2 + K - \|T\|_F^2 , \qquad T = I_N - \mathrm{inv}\, L . $$

# %% [markdown]
# So VICReg looks for the matrix $M$ nearest to $T$. But $M$ has no negative eigenvalue and at most $K$ positive ones. The nearest such matrix keeps the
# $K$ largest eigenvalues of $T$ and sets what is negative among them to 0 (the theorem of Eckart and Young). The eigenvalues of $T$ are
# $1 - \mathrm{inv}\, \lambda_k$; the constant $u_0$ is out, as $Z$ is centred. With $(a)_+ = \max(a, 0)$ a minimum is therefore
#
# $$ Z^\star = \sqrt N\, \big[ \sqrt{v_1}\, u_1, \dots, \sqrt{v_K}\, u_K \big], \qquad v_k = (1 - \mathrm{inv}\, \lambda_k)_+, \qquad
#    \mathcal L^\star = K - \sum_{k=1}^K v_k^2 . $$
#
# Each eigenvalue that $M$ keeps saves $v_k^2$ of $\|T\|_F^2$; that is $\mathcal L^\star$. Column $k$ has variance $v_k$: smooth directions first, each a
# little shrunk, and none at all once $\lambda_k$ passes $1 / \mathrm{inv}$. In code:


# %%
def solve_vicreg(graph, K, inv):
    laplacian = np.diag(graph.sum(axis=1)) - graph
    eigenvalues, eigenvectors = np.linalg.eigh(laplacian)
    variances = np.maximum(1 - inv * eigenvalues[1 : K + 1], 0)
    return np.sqrt(len(graph) * variances) * eigenvectors[:, 1 : K + 1]


# %% [markdown]
# Is it true? L-BFGS, a descent method that knows nothing of eigenvectors, minimises $\mathcal L$ on the strip, $K = 4$, from three random starts.
# *Guess first:* will all three end at the same loss? At the same embedding?

# %%
inv = 0.35 / eigenvalues[5]  # small enough that all four dimensions stay alive
theory = solve_vicreg(strip, 4, inv)
predicted_loss = 4 - np.sum((1 - inv * eigenvalues[1:5]) ** 2)

loss = partial(spectral.vicreg_graph_loss, L=strip_laplacian, inv=inv)
runs = [spectral.minimize_embedding(loss, 120, 4, seed=3 * ch.seed + start) for start in range(3)]
ch.figures.descents(runs, predicted_loss)

# %%
found = [run.Z - run.Z.mean(axis=0) for run in runs]
ch.measure(
    "closed-form",
    loss=[abs(run.losses[-1] / predicted_loss - 1) for run in runs],
    span=[spectral.principal_angles(Z, theory).max() for Z in found],
    shape=[spectral.procrustes(Z, theory).residual for Z in found],
)

# %% [markdown]
# **What you saw.** The same loss, as predicted; the embeddings differ by a rotation (so we compared their spans, and their shapes after the best one), which changes neither $M$ nor the loss. The loss is not convex, yet
# no start gets stuck: where its slope is 0, $M$ is made of eigenvectors of $T$, and if a better one is missing, turning towards it lowers the loss.
#
# Now move the theorem. Each dot on the left is an eigenvector of the strip's Laplacian, its height the variance $v_k$. On the right are the first two
# columns of $Z^\star$, coloured by the place along the strip. *Guess first:* what becomes of this curve as you drag `inv` to the right?

# %%
plane = spectral.fix_signs(np.sqrt(120) * eigenvectors[:, 1:3])
cb.explore(ch.figures.threshold, eigenvalues[1:21], plane, points[:, 0], inv=cb.log_slider(0.3, 0.03, 30))

# %% [markdown]
# **What you saw.** Rough directions die first: the curve flattens to a line, and the line shrinks to a point. (The arch is no accident: exercise 2.)
#
# > **Check yourself.** From which `inv` on is nothing left? Which eigenvalue tells you?
#
# ## 3 · Who loses dimensions?
#
# In practice a pair is two *views* of one image. Take 20 images with 4 views each, all joined within an image. The Laplacian has only two eigenvalues,
# 0 (twenty times; nineteen without the constant) and 4 (sixty times). We ask for $K = 32$ dimensions, choose `inv` just below and just above $1/4$, let
# descent run, and subtract the mean. *Guess first:* how many of the 32 survive in each case?

# %%
views = spectral.augmentation_graph(np.repeat(np.arange(20), 4)).toarray()
vicreg = partial(spectral.vicreg_graph_loss, L=np.diag(views.sum(axis=1)) - views)


def surviving_dimensions(loss, n=80):
    Z = spectral.minimize_embedding(loss, n, 32, seed=ch.seed).Z
    sizes = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False)
    return np.sum(sizes > 1e-3 * sizes[0])


just_below = surviving_dimensions(partial(vicreg, inv=0.9 / 4))
just_above = surviving_dimensions(partial(vicreg, inv=1.1 / 4))
ch.measure("large-inv-collapses", just_below=just_below, just_above=just_above)

# %% [markdown]
# **What you saw.** The weight of invariance decides. Above the threshold VICReg has the 19 dimensions that tell images apart. Below it come 13 more: they
# have variance $1 - 0.9 = 0.1$ and only tell views of one image apart.
#
# **The contrastive loss.** SimCLR pulls pairs together and pushes *every* two samples apart. Its least-squares version, the *spectral contrastive loss*,
# pushes with the squares of the products $z_i^\top z_j$; SimCLR's rows of length 1, its temperature and its softmax are gone:
#
# $$ \mathcal L(Z) = -2 \sum_{ij} G_{ij}\, z_i^\top z_j + \sum_{ij} (z_i^\top z_j)^2 = \| ZZ^\top - G \|_F^2 - \|G\|_F^2 . $$
#
# The last step of section 2 solves it too, with $G$ itself as the target: the columns of $Z^\star$ are $\sqrt{s_k}$ times the eigenvectors of $G$ for its
# $K$ largest *positive* eigenvalues $s_k$. No weight can change their number. **Barlow Twins**, which you met under
# [canonical correlation](../../1_recipes/04_canonical_correlation/canonical_correlation.ipynb), can fill at most as many; it has a threshold of its own
# and may use fewer ([lab](spectral_embedding_lab.ipynb)).
#
# *Guess first:* the $G$ of the views has the eigenvalues 3 (twenty times) and $-1$ (sixty times). How many of 32 dimensions will the two fill?

# %%
contrastive = surviving_dimensions(partial(spectral.contrastive_graph_loss, S=views))
barlow = surviving_dimensions(partial(spectral.barlow_graph_loss, G=views))
ch.measure("positive-eigenvalues", contrastive=contrastive, barlow=barlow)

# %% [markdown]
# **What you saw.** There are 20 positive eigenvalues; one belongs to the constant vector, and our count, which centres $Z$, does not see it: 19. Is it the
# loss that collapses, or the graph? Give the same contrastive loss the strip.

# %%
on_strip = surviving_dimensions(partial(spectral.contrastive_graph_loss, S=strip), n=120)
ch.measure("not-the-method", dimensions=on_strip)
ch.figures.ranks({"8 neighbours on a strip": strip, "20 images, 4 views each": views})

# %% [markdown]
# **What you saw.** Turning `inv` moves VICReg down the blue staircase; the other two stand still. The strip's $G$ has 36 positive
# eigenvalues: the contrastive loss could use them all and is stopped by $K = 32$; Barlow Twins stops earlier, at 23. (Equal numbers are not equal spaces:
# on the views, Barlow Twins' 19 dimensions are not those that tell images apart; see the lab.)
#
# > **Check yourself.** A label graph joins all samples of a class. With 1000 classes, how many of 2048 dimensions can the contrastive loss fill, before
# > and after the mean is subtracted?
#
# ## 4 · The right pairs and the wrong pairs
#
# Back to the digits. Let the encoder be linear: $z = W^\top x$ for a centred picture $x$ of 64 pixels, so $Z = XW$ with the pictures as the rows of $X$.
# Then $\mathrm{Cov}(Z) = W^\top X^\top X W / N$. Put $W = \sqrt N\, (X^\top X)^{-1/2}\, \widetilde W$, and it becomes $\widetilde W^\top \widetilde W$: the loss is that of section 2 with
# $\widetilde W$ for $Z / \sqrt N$ and $(X^\top X)^{-1/2} X^\top L X\, (X^\top X)^{-1/2}$ for $L$. Solve for $\widetilde W$ and go back to $W$:
#
# $$ X^\top L X\, w_k = \mu_k\, X^\top X\, w_k , \qquad \text{column } k \text{ of } W^\star = \sqrt{(1 - \mathrm{inv}\, \mu_k)_+}\; w_k , $$
#
# where $w_k$ is scaled so that $X w_k$ has variance 1. The contrastive loss gives $X^\top G X\, w_k = s_k\, X^\top X\, w_k$ and the columns
# $\sqrt{(s_k)_+ / N}\; w_k$ in the same way.

# %% [markdown]
# The rule now joins every two pictures of a digit, not only one drawing on two backgrounds. Join all pictures of one class $c$, with $G_{ij} = 1 / n_c$ for a class of $n_c$ pictures (each also with itself, which leaves $L$ as it is). Then
# $X^\top L X$ is the scatter *within* classes and $X^\top X$ the total, so $\mu_k$ is the share of variance within classes, and $s_k = 1 - \mu_k$.
# Ten classes leave **nine** directions with $\mu_k < 1$; the other 55 have $\mu_k = 1$ exactly: a tie. The contrastive loss keeps the nine, and so does
# VICReg with `inv` just above 1 (we take 1.01; much larger, and it drops some of the nine as well). With `inv` below 1 it keeps all 64, and any rotation of the 55 tied ones is as good for the loss. We draw one at random.

# %%
chance = np.random.default_rng(ch.seed)
tie_at_random, _ = np.linalg.qr(chance.standard_normal((55, 55)))


def solve(labels, method, K=64, inv=0.05):
    pairs = spectral.label_graph(labels, normalize="class", self_loops=True)
    W = spectral.linear_ssl(scene.x_train, pairs, K, method=method, inv=inv, ridge=1e-6).W  # ridge: never divide by 0
    return np.hstack([W[:, :9], W[:, 9:] @ tie_at_random]) if K == 64 else W


def accuracy(W, K):
    z, z_new = scene.x_train @ W[:, :K], scene.x_test @ W[:, :K]
    return evaluation.ridge_probe(z, scene.digit_train, z_new, scene.digit_test)


# %% [markdown]
# The judge is a linear probe: ridge regression learns to read the digit off the first $K$ columns for 1200 pictures, and is scored on 597 new ones. The
# baseline is $K$ random directions of pixel space.
#
# *Guess first:* each method gets **nine** dimensions. Which knows the digit after pairs that share the digit? That share the background (`pattern`)?
# (Barlow Twins is asked for nine columns outright: what it does with 64 hangs on a detail of the graph, see the lab.)

# %%
columns = {"vicreg": 64, "contrastive": 64, "barlow": 9}
right = {method: solve(scene.digit_train, method, K) for method, K in columns.items()}
wrong = {method: solve(scene.pattern_train, method, K) for method, K in columns.items()}
random = chance.standard_normal((64, 64))

nine_right, nine_wrong = ([accuracy(W, 9) for W in found.values()] for found in (right, wrong))
print("right", np.round(nine_right, 3), " wrong", np.round(nine_wrong, 3), f" random {accuracy(random, 9):.3f}")
ch.measure("right-pairs", worst=min(nine_right), gain=min(nine_right) - accuracy(random, 9))
ch.measure("wrong-pairs", best=max(nine_wrong))

# %% [markdown]
# **What you saw.** The right pairs keep the digit, the wrong pairs lose it, and the methods do not differ: all three find the same nine directions, scaled
# or rotated, and the probe hardly minds. But VICReg may have more dimensions than the graph has use for. Give every method **32**.
# *Guess first:* after the wrong pairs, does VICReg with small `inv` beat the contrastive method? And 32 random directions?

# %%
wrong["large inv"] = solve(scene.pattern_train, "vicreg", inv=1.01)
small, large, contrast = (accuracy(wrong[name], 32) for name in ("vicreg", "large inv", "contrastive"))
print(f"small inv {small:.2f}, large inv {large:.2f}, contrastive {contrast:.2f}, random {accuracy(random, 32):.2f}")
ch.measure("room", gain=[small - large, small - contrast])
ch.measure("not-learned", gap=accuracy(random, 32) - small)

# %% [markdown]
# VICReg survives, but behind random directions. Why? Nine dimensions go to the background, and the loss does not care which 23 of the other 55 follow.
# We drew them at random after all had been scaled to variance 1, so a faint direction is as likely as a strong one, and faint ones hold little of the
# digit. Now choose by hand: strong ones first (they need the smallest weights), or faint ones first. Then drag `K`, and switch the rule.
# *Guess first:* the loss is the same. And the accuracy?

# %%
nine, rest = np.hsplit(wrong["vicreg"], [9])
_, _, faint_first = np.linalg.svd(rest)  # a rotation of the 55, those with the largest weights first
wrong["faint first"] = np.hstack([nine, rest @ faint_first.T])
wrong["strong first"] = np.hstack([nine, rest @ faint_first[::-1].T])
ch.measure("tie-decides", strong=accuracy(wrong["strong first"], 32), faint=accuracy(wrong["faint first"], 32))

# %%
sizes = sorted([9, *range(4, 65, 4)])
right["large inv"] = solve(scene.digit_train, "vicreg", inv=1.01)
curves = {"sizes": sizes, "digit": {}, "background": {}}
for shared, encoders in (("digit", right), ("background", wrong)):
    for name, W in (encoders | {"random": random}).items():
        curves[shared][name] = [accuracy(W, K) for K in sizes]
cb.explore(ch.figures.room, curves, K=(4, 64, 1), pairs=["background", "digit"])

# %% [markdown]
# **What you saw.** VICReg with small `inv` survives wrong pairs because it has *room*, not because it learned better. The loss does not decide what fills
# the room: at $K = 32$ the choices reach from below 0.2 to above 0.9, and all these choices meet the grey line at $K = 64$, where nothing is left to drop.
#
# > **Check yourself.** With the right pairs, why do the blue lines stay flat beyond $K = 9$?
#
# ## What breaks
#
# - **Ties.** Within a tie the minimum is arbitrary: in section 4 that decided almost everything, and groups of views tie all images (nineteen equal
#   eigenvalues), so these formulas say *nothing* about how images relate. A network breaks the tie by what it computes easily
#   ([next chapter](../02_kernel_regime/kernel_regime.ipynb)); it stands between a free $Z$, which can be anything, and a linear map.
# - **The real losses.** SimCLR itself has no closed form here, only its least-squares version. VICReg's own penalty on the standard deviation is a hinge:
#   it shrinks directions but never quite removes them (exercise 3).
# - **The digits.** That VICReg with small `inv` survives wrong pairs is the paper's; the pictures, the numbers and the choices in the tie are ours.

# %% [markdown]
# ## Summary
#
# 1. Pairs are a graph, and the closeness of pairs is a quadratic form in its Laplacian: $2 \operatorname{tr}(Z^\top L Z)$.
# 2. VICReg's minimum is written down at once: the smoothest eigenvectors, with variances $(1 - \mathrm{inv}\, \lambda_k)_+$.
# 3. A large `inv` removes dimensions, rough ones first. The contrastive loss has one for each positive eigenvalue of $G$ (at most $K$), Barlow Twins no more.
# 4. Right pairs keep the digit in nine dimensions of every method. Wrong pairs ruin every method that has no dimension to spare.
# 5. What survives wrong pairs was not dropped, but not chosen by the pairs either; drawn at random, with half the dimensions, it loses to random directions of pixel space.
#
# The exercises below take about 95 minutes, those of the [lab](spectral_embedding_lab.ipynb) 155 more.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Take the path 1 – 2 – 3 and $z = (0, 1, 3)$. Work out $\sum_{ij} G_{ij} (z_i - z_j)^2$ and $z^\top L z$ by hand. Whence the factor 2?
#
# <details><summary>Hint</summary>The double sum meets the pair (1, 2) as $ij = 12$ and as $ij = 21$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 25 min. On a strip of length $a$ and width $b$ the waves along it have eigenvalues in proportion to $(n/a)^2$, the first wave across to
# $(1/b)^2$. Why is VICReg's second coordinate a parabola of the first when the strip is long? Two dimensions know the width only if the strip is short
# enough: how small must $a/b$ be? Measure it.
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
# - R. Balestriero, Y. LeCun. [Contrastive and Non-Contrastive SSL Recover Global and Local Spectral Embedding Methods](https://arxiv.org/abs/2205.11508). *NeurIPS*, 2022.
# - M. Belkin, P. Niyogi. Laplacian Eigenmaps for dimensionality reduction and data representation. *Neural Computation*, 2003.
# - J. HaoChen et al. Provable guarantees for self-supervised deep learning with spectral contrastive loss. *NeurIPS*, 2021.

# %%
ch.footer()
