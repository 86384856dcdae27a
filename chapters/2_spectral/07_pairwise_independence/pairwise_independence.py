# %% [markdown]
# # Pairwise independence
#
# VICReg and its relatives push the covariances of an embedding to zero. Yet a network, the **projector**, stands between this embedding and the representation that one keeps. What does the penalty ask of the representation *before* the projector? The paper of this chapter answers for one kind of projector: independence of every pair of variables, which is much more than zero correlation.
#
# After this lesson you can measure independence with kernels, separate mixed signals with a covariance penalty and nothing else, and say what the penalty does not give.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from itertools import combinations

import numpy as np
import torch
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, models, recipes, training
from replearn.papers import pairwise_independence as world

ch = cb.Chapter("pairwise_independence", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)

# %% [markdown]
# ## 1 · What a correlation does not see
#
# Three clouds of 300 points. In all three the two coordinates have correlation 0.

# %%
square = losses.whiten(world.ica_sources(300, 2, "uniform", seed=ch.seed), correction=0)
turned = world.radial_rotation(square, turn=0, offset=np.pi / 4)
noise = torch.randn(300, generator=generator, dtype=torch.float64)
curve = torch.stack([square[:, 0], square[:, 0].square() + 0.2 * noise], dim=1)
curve = losses.whiten(curve, correction=0)
ch.figures.clouds({"a square": square, "turned": turned, "a curve": curve})

# %% [markdown]
# *Ask of each cloud: does the horizontal coordinate tell you anything about the vertical one?* In the square, nothing: the two are **independent**. In the others it tells you much.
#
# Two variables are independent exactly if *no function of the one correlates with any function of the other*. So let us not correlate $X_1$ with $X_2$, but many functions of $X_1$ with many functions of $X_2$. A projector that acts **on each variable alone** makes $\mathrm{width}$ features of every number. Collect those of variable $i$ for $N$ samples in the matrix $\Phi_i$ ($N \times \mathrm{width}$). Their covariance is $C_{ij} = \frac1N \Phi_i^\top H \Phi_j$, where the matrix $H = I - \frac1N \mathbf 1 \mathbf 1^\top$ takes away the mean. Because $H H = H$, and a trace lets its factors go round, the squared entries of $C_{ij}$ sum to
#
# $$ \|C_{ij}\|^2 = \tfrac{1}{N^2} \operatorname{tr} \big( \Phi_i \Phi_i^\top H\, \Phi_j \Phi_j^\top H \big) = \tfrac{1}{N^2} \operatorname{tr} ( k_i H k_j H ) = \mathrm{HSIC}(X_i, X_j) , \qquad k_i = \Phi_i \Phi_i^\top . \tag{1} $$
#
# On the left stands the covariance penalty. On the right stands a known measure of dependence, the **Hilbert-Schmidt independence criterion** (Gretton et al., 2005), which knows the features only through the inner products $k_i$, a **kernel**.


# %%
def hsic(k_1, k_2):
    N = len(k_1)
    H = torch.eye(N, dtype=torch.float64) - 1 / N
    return torch.trace(k_1 @ H @ k_2 @ H) / N**2


features = world.RandomFeatures(32, seed=ch.seed)(curve)  # (300 samples, 2 variables, 32 features)
k_1, k_2 = (features[:, i] @ features[:, i].T for i in [0, 1])
print(f"left side {world.cross_variable_covariance(features):.8f}, right side {hsic(k_1, k_2):.8f}")

# %% [markdown]
# This is the paper's theorem: behind such a projector the squared covariances between variables are HSICs, one for each pair. (VICReg's term counts every pair twice and adds the covariances *within* each $\Phi_i$, which see one variable at a time. Here they are left out.)
#
# Which features should one take? With the Gaussian kernel $e^{-(x - x')^2/2}$ HSIC is zero, with endless data, *only* for independent variables. Random cosines make this kernel (Rahimi and Recht, 2007): feature $f$ of a number $x$ is $\sqrt{2/\mathrm{width}} \cos(w_f x + b_f)$, with a random frequency $w_f$ (standard normal) and a random phase $b_f$ (uniform on the circle). Then $k_i$ is an average over $\mathrm{width}$ random draws, and an average misses its limit by an error in proportion to $1/\sqrt{\mathrm{width}}$.
#
# *Guess first.* From $\mathrm{width} = 32$ to $512$ the projector becomes sixteen times wider. By what factor does the relative error of the penalty, as an estimate of the Gaussian HSIC, shrink?

# %%
u = 2 * torch.rand(200, generator=generator, dtype=torch.float64) - 1
pairs = []
for tie in [0.5, 0.75, 1.0]:
    for shape in [u.square(), torch.cos(4 * u)]:
        noise = torch.randn(200, generator=generator, dtype=torch.float64)
        y = tie * data.standardize(shape) + (1 - tie) * noise
        pairs.append(data.standardize(torch.stack([u, y], dim=1), 0))
truth = np.array([evaluation.hsic(*pair.T, bandwidth=1.0) for pair in pairs])


# %%
def penalty(points, width, draw=0):
    projector = world.RandomFeatures(width, seed=10_000 * ch.seed + draw)
    return world.cross_variable_covariance(projector(points)).item()


estimates, error = {}, {}
for width in [8, 32, 128, 512]:
    draws = [[penalty(pair, width, 100 * draw + i) for i, pair in enumerate(pairs)] for draw in range(20)]
    estimates[width] = np.array(draws)
    error[width] = np.mean(abs(estimates[width] / truth - 1))

# %%
ch.figures.limit(truth, estimates, error)
ch.measure("wide-projector", error=error[512], ratio=error[512] / error[32])

# %% [markdown]
# **What you saw.** Each column of dots is one pair of dependent variables under twenty random projectors; the line is HSIC. The dots close in on it: from 32 to 512 their error falls to $\sqrt{32/512} = \frac14$ or so, the law $1/\sqrt{\mathrm{width}}$ and nothing more. A wide nonlinear projector *measures* dependence; a narrow one guesses at it.
#
# Now turn the square with your own hand. **Drag `angle`** at 512 cosines: the penalty is smallest where the coordinates are independent, near 0 and 90 degrees. Then **lower `width`** and look where the smallest value goes. The correlation is 0 at each angle.

# %%
angles = list(range(0, 91, 3))
rotations = {angle: world.radial_rotation(square, turn=0, offset=np.radians(angle)) for angle in angles}
true_curve = [evaluation.hsic(*points.T, bandwidth=1.0) for points in rotations.values()]
curves = {width: [penalty(points, width) for points in rotations.values()] for width in [1, 2, 8, 32, 512]}
cb.explore(ch.figures.turning, rotations, true_curve, curves, angle=(0, 90, 3), width=list(curves), figsize=(7.8, 3))

# %% [markdown]
# > **Check yourself.** What is the penalty worth, at all angles, if the feature of $x$ is $x$ itself? ([Answers](pairwise_independence_solutions.ipynb))

# %% [markdown]
# ## 2 · Unmixing with nothing but the penalty
#
# Three people speak at once, three microphones record three mixtures. Who said what? The slider has just shown how to find out, for two: turn until the penalty is smallest.
#
# Let a mixture be independent sources, at most one of them Gaussian, times an unknown invertible matrix. **Whiten** it, so that all covariances are zero and all variances 1. What is left to find is a rotation $O$. Comon (1994) proved that the outputs are independent *in pairs* only if they are the sources, up to order and sign. So minimize over rotations
#
# $$ \sum_{i < j} \|C_{ij}\|^2 \qquad \text{for the outputs } [X_1, X_2, X_3] = \text{whitened mixture} \times O . \tag{2} $$
#
# Nobody tells the method what the sources are. Afterwards we may look: match outputs and sources one to one, and average the absolute correlations. This is the **MCC**; 1 is perfect, and its gap to 1 is our error.
#
# (2) has local minima, so `vcreg_ica` tries twenty random rotations, descends from the best, does this twice, and keeps the lower penalty.
#
# *Guess first.* Whitening alone leaves an error of 0.2 or so. What do 32 cosines leave? What do 32 *linear* features?


# %%
def unmixing_error(kind, features="rff", width=32, run=0):
    sources = world.ica_sources(800, 3, kind, seed=ch.seed + run)
    matrix = torch.randn(3, 3, generator=torch.Generator().manual_seed(100 + ch.seed + run))
    mixture = sources @ matrix.double()
    if features == "whitening":
        outputs = losses.whiten(mixture)
    else:
        projector = world.RandomFeatures(width, features, seed=ch.seed + run)
        outputs = world.vcreg_ica(mixture, projector, restarts=2, draws=20, steps=60, seed=ch.seed + run).y
    return 1 - evaluation.mean_correlation(outputs, sources)


# %%
runs = {"whitening": 5, "linear": ch.pick(fast=3, toy=5), "rff": ch.pick(fast=2, toy=5)}
found = {}
for kind in ["uniform", "laplace", "mixed"]:
    for name, count in runs.items():
        found[kind, name] = [unmixing_error(kind, name, run=run) for run in range(count)]
uniform, laplace, mixed = (found[kind, "rff"] for kind in ["uniform", "laplace", "mixed"])
ch.measure("linear-ica", uniform=uniform, laplace=laplace, mixed=mixed)

# %%
found["gaussian", "rff"] = [unmixing_error("gaussian", run=run) for run in range(ch.pick(fast=3, toy=5))]
linear = [found[kind, "linear"] for kind in ["uniform", "laplace", "mixed"]]
ch.measure("linear-projector", error=np.mean(linear))
ch.measure("gaussian-sources", error=np.mean(found["gaussian", "rff"]))

# %%
for width, count in {1: 10, 4: ch.pick(fast=3, toy=10), 16: ch.pick(fast=3, toy=10)}.items():
    found[f"width {width}", "rff"] = [unmixing_error("uniform", width=width, run=run) for run in range(count)]
ch.figures.unmixing(found)
ch.measure("one-cosine", error=np.mean(found["width 1", "rff"]))

# %% [markdown]
# **What you saw.** Look for dots left of the dashed line, an MCC of 0.97. Through 32 cosines they all are; linear features, which repeat the correlation, leave what whitening leaves, but for a lucky dot. On Gaussian sources nothing can work: independent Gaussians, turned, are independent again. In the last panel a single cosine is right once and wrong the next time, as the slider warned; more are safer. The [lab](pairwise_independence_lab.ipynb) compares with the specialist for this problem, FastICA.
#
# > **Check yourself.** Two of the three sources are Gaussian, the third is uniform. Which of them can be found?

# %% [markdown]
# ## 3 · Pairs, not all together
#
# Toss two coins, $-1$ or $1$, and let the third number be their product. *Guess first.* Is the third independent of the first? Of the second? Of both?
#
# (1) looks at pairs. To look at all three at once one needs another number, **dHSIC** (Pfister et al., 2018): it compares the distribution of the triple with the one in which the three are drawn separately, and is zero, with endless data, only if these are equal. For two variables it is HSIC. (Its formula stands in the lab.)
#
# Neither is ever exactly zero on real samples. A **permutation test** says what is small: shuffle each variable on its own, which makes them independent; do it 400 times; the value that 95 % of the shuffles stay below is the *critical value*. A test rejects independence where the measure exceeds it. If the variables *are* independent this happens in 5 % of the cases. So we count: a hundred draws of 200 tosses, three pairs in each, all held against the critical values of one draw of free coins.

# %%
free = [evaluation.gram_gaussian(coin) for coin in world.xor_triple(200, strength=0, seed=ch.seed).T]
critical_pair = evaluation.dhsic_null(free[:2], permutations=400, seed=ch.seed).quantile(0.95).item()
critical_all = evaluation.dhsic_null(free, permutations=400, seed=ch.seed).quantile(0.95).item()


def reject(strength, draw):
    coins = world.xor_triple(200, strength=strength, seed=1000 * ch.seed + draw)
    grams = [evaluation.gram_gaussian(coin) for coin in coins.T]
    of_pairs = [evaluation.hsic_from_grams(*pair) > critical_pair for pair in combinations(grams, 2)]
    return [*of_pairs, evaluation.dhsic(grams) > critical_all]


# %%
tied = np.mean([reject(1, draw) for draw in range(1, 101)], axis=0)
untied = np.mean([reject(0, draw) for draw in range(1, 101)], axis=0)
ch.figures.rejections(tied, untied)
ch.measure("pairwise-not-mutual", pairs=tied[:3].mean(), together=tied[3])
ch.measure("free-coins", pairs=untied[:3].mean(), together=untied[3])

# %% [markdown]
# **What you saw.** Coins that are bound together cannot be told from free ones by any pair, and a covariance penalty, behind however wide an element-wise projector, is content with them. The test of all three rejects every time.
#
# > **Check yourself.** Section 2 needed three sources to be independent of one another, and looked at pairs only. Why was that enough there?

# %% [markdown]
# ## 4 · On digits
#
# Does the theorem work on a network? Digits of 14 × 14 pixels, two random affine views, an encoder 196-256-16 whose 16 outputs are brought to mean 0 and variance 1 (batch normalization). The loss is the squared distance of the two views plus a *weight* times the penalty (1), summed over the 120 pairs of outputs. It has two versions:
#
# - **plain**: the feature of a number is the number, so the penalty is the covariance term;
# - **cosines**: 32 random cosines of each output.
#
# Each at several weights, with equal steps. Dependence is nHSIC, which is HSIC divided by $\sqrt{\mathrm{HSIC}(X_i, X_i)\, \mathrm{HSIC}(X_j, X_j)}$ so that it lies between 0 and 1: its mean over all pairs of outputs for test images, less what the same outputs give when each is shuffled. Accuracy is that of a linear probe on 2,000 labels.
#
# *Guess first.* Which version leaves less dependence? Is its representation the better one?

# %%
digits = recipes.tiny_mnist(standardized=False)
steps, batch = ch.pick(fast=160, toy=200), ch.pick(fast=128, toy=256)


def train(features, weight):
    def loss(z1, z2):
        per_view = [world.cross_variable_covariance(features(data.standardize(z, 0))) for z in [z1, z2]]
        return (z1 - z2).square().mean() + weight * sum(per_view) / 2

    encoder = untrained()
    recipes.train_networks(
        encoder, nn.Identity(), loss, digits.x_train, seed=ch.seed, steps=steps, batch_size=batch, lr=3e-3
    )
    return encoder


# %%
def untrained():
    with training.seeded(ch.seed):
        return nn.Sequential(nn.Flatten(), *models.mlp([196, 256, 16]), nn.BatchNorm1d(16, affine=False))


def nhsic(z):
    parts = data.standardize(z, 0).split(400)
    return np.mean([losses.off_diagonal(evaluation.pairwise_nhsic(part)).mean() for part in parts])


# %%
def examine(encoder):
    """Dependence of pairs of outputs beyond that of shuffled ones, and the accuracy of a probe."""
    z, z_test = (training.features(encoder, x).double() for x in [digits.x_train[:2000], digits.x_test])
    outputs, shuffle = z_test[:1200], torch.Generator().manual_seed(ch.seed)
    shuffled = torch.stack([column[torch.randperm(1200, generator=shuffle)] for column in outputs.T], dim=1)
    accuracy = evaluation.ridge_probe(z, digits.y_train[:2000], z_test, digits.y_test)
    return nhsic(outputs) - nhsic(shuffled), accuracy


# %%
weights = {
    "plain": ch.pick(fast=[0.3, 3], toy=[0.1, 1, 10, 100]),
    "cosines": ch.pick(fast=[3, 30], toy=[1, 3, 10, 30]),
}
kinds = {"plain": lambda z: z[:, :, None], "cosines": world.RandomFeatures(32, seed=ch.seed)}
study = {kind: [examine(train(kinds[kind], weight)) for weight in weights[kind]] for kind in kinds}
ch.figures.frontier(study, weights, examine(untrained()))

# %%
dependence = {kind: [row[0] for row in rows] for kind, rows in study.items()}
cosines = np.array(study["cosines"])
most_independent = cosines[np.argmin(cosines[:, 0])]
ch.measure("cosines-on-digits", ratio=min(dependence["cosines"]) / min(dependence["plain"]))
ch.measure("independence-costs", lost=study["plain"][0][1] - most_independent[1])

# %% [markdown]
# **What you saw.** The plain penalty reaches a wall: from 10 to 100 its pairs hardly become more independent. The cosines go beyond the wall: they see what no covariance sees. That is the theorem at work. (That the wall is so high has another cause: the penalty saw *shaken* digits, and we measure digits as they are. On shaken ones heavy penalties leave far less, the cosines least: solutions, exercise 4.) But the dot highest up, the best reader of digits, is a *light* plain penalty, and its pairs are far more dependent, about as much as those of the untrained network, which has learned nothing. Independence is no score. (The paper finds that it goes along with transfer to other data; at this size we do not see that.)
#
# > **Check yourself.** A network gives 16 independent random numbers for each image, whatever is on it. What is its nHSIC? Its accuracy?

# %% [markdown]
# ## What breaks
#
# **Projectors that people use mix.** They begin with a full matrix, and (1) then speaks of the variables *after* that matrix, not of the representation. In one case the loss is exactly known: a *random* layer of cosines of all variables at once has, for $\mathrm{width} \to \infty$, the kernel $e^{-\|x - x'\|^2/2}$ of the whole vector, and distances do not change when one turns the cloud. *Guess first.* What does the turned square look like through such a layer?

# %%
frequencies = torch.randn(2, 512, generator=generator, dtype=torch.float64)
phases = 2 * np.pi * torch.rand(512, generator=generator, dtype=torch.float64)
mixing = []
for points in rotations.values():
    covariance = torch.cov(torch.cos(points @ frequencies + phases).T, correction=0)
    mixing.append(losses.off_diagonal(covariance).square().sum().item())
alone = np.array(curves[512])
ch.figures.mixing(angles, np.array(mixing), alone)
ch.measure("mixing-layer", mixing=max(mixing) / min(mixing), alone=alone.max() / alone.min())

# %% [markdown]
# **What you saw.** The layer that mixes is blind to what the element-wise one sees best. So the theorem does not explain why a wide *mixing* projector lowers dependence; that it does is an observation (lab, section A).
#
# - **Pairs only**, and only for *linear* mixtures are pairs enough (section 3; lab, section C).
# - **HSIC has a ruler.** It depends on the width of the kernel, here 1, so standardize first. It is never 0: compare with shuffles. A constant variable makes nHSIC $0/0$.
# - **How the toy differs.** 16 variables, 14 × 14 digits, 200 steps. The paper has the 2,048 of a ResNet-50 on ImageNet, with projectors of width 8,192.

# %% [markdown]
# ## Summary
#
# 1. Zero correlation is not independence; zero correlation of *many functions* is.
# 2. Behind a projector that acts on each variable alone, the covariance penalty is the sum of HSICs over pairs. With $\mathrm{width}$ random cosines it estimates the Gaussian HSIC, with an error in proportion to $1/\sqrt{\mathrm{width}}$.
# 3. It separates linear mixtures with nothing else.
# 4. It does not see dependence of three that no two show, and a random layer that mixes does not see a rotation.
# 5. On digits it removes dependence that the plain penalty leaves, and that is not what makes a representation good.

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1** ●○○ 10 min. Let $x$ be symmetric about 0 and $y = x^2$. Show that their correlation is 0, and find a function of $x$ that correlates with $y$. Compare HSIC of the curve and of the square.
#
# <details><summary>Hint</summary>What is the mean of an odd power of x?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 15 min. Prove (1) line by line. By which factor does it fail when the covariance divides by $N - 1$?
#
# <details><summary>Hint</summary>Write the sum of squares as a trace. Which factor may move to the end, and what are the transpose and the square of H?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 30 min. With one cosine unmixing sometimes works and sometimes fails. Count equations and unknowns. For twenty projectors on the turned square, how often is the smallest penalty far from the sources?
#
# <details><summary>Hint</summary>How many angles has a rotation in d dimensions, and how many entries have all the blocks of covariances?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●○ 30 min. Are the cosines better on digits because there are 32 of them for each variable, or because they are not linear? Repeat section 4 at weights 3 and 30 with 32 *linear* features.
#
# <details><summary>Hint</summary>A kernel of linear features is a number times the product of the two variables. What does this make of (1)?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - G. Mialon, R. Balestriero, Y. LeCun. [Variance Covariance Regularization Enforces Pairwise Independence in Self-Supervised Representations](https://arxiv.org/abs/2209.14905), 2022.
# - A. Gretton et al. Measuring statistical dependence with Hilbert-Schmidt norms. *ALT*, 2005. N. Pfister et al. [Kernel-based tests for joint independence](https://arxiv.org/abs/1603.00285), 2018.
# - A. Rahimi, B. Recht. Random features for large-scale kernel machines. *NIPS*, 2007.
# - P. Comon. Independent component analysis, a new concept? *Signal Processing*, 1994.
# - S. Kornblith et al. [Similarity of neural network representations revisited](https://arxiv.org/abs/1905.00414) (nHSIC as CKA), 2019.
