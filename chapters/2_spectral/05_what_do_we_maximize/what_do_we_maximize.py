# %% [markdown]
# # What do we maximize?
#
# VICReg has three terms: two views of an image should have nearly the same embedding, every dimension should vary, and no two dimensions should repeat each other. It is often said that together they "maximize information". Whose information, about what?
#
# After this lesson you can say what information a network without any chance in it can have, derive the three terms from one mutual information, and point at the step where a bound stops being a bound.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from math import e, log, pi

import numpy as np
import torch
from torch.distributions import Normal

import cookbook as cb
from replearn import evaluation, losses, recipes, spectral, training
from replearn.papers import what_do_we_maximize as world

ch = cb.Chapter("what_do_we_maximize", scale=scale, seed=seed)
rng, generator = np.random.default_rng(ch.seed), torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)
digits = recipes.tiny_mnist(standardized=False)

# %% [markdown]
# ## 1 · Where is the randomness?
#
# Here is a network so small that we can see all of it: one number in, one number out, made of straight pieces as every ReLU network is. Five inputs play the part of images.


# %%
def network(x):
    return np.interp(x, [-3, -1.1, 0.5, 1.2, 3], [0.2, 0.6, -0.7, 1.6, 1.1])


images = np.array([-2.4, -1.2, 0, 1.2, 2.4])
which = rng.integers(5, size=200_000)  # draw one of the five images ...
copies = images[which] + 0.1 * rng.standard_normal(200_000)  # ... and a slightly changed copy of it
ch.figures.one_input(network, images, copies, which)

# %% [markdown]
# Read the output $z$ with a ruler: cut its range into bins and note the bin. If bin $j$ comes up with probability $p_j$, your uncertainty beforehand is the **entropy** $-\sum_j p_j \log p_j$, in *nats*. What you learn about something is how much of that uncertainty goes away once the something is known:
#
# $$ I(\text{input}; z) = H(z) - H(z \mid \text{input}) . $$
#
# A network is a function: once its input is known, *nothing* about its output is uncertain. So $H(z \mid \text{input}) = 0$, and the information about the input is all of $H(z)$. But one can ask for something else: **which of the five images** was the copy made of? Then the copy's own little change stays uncertain.
#
# *Guess first.* Take finer and finer rulers, 4 bins, 8, 16, up to 1024. Where does each of the two informations stop?


# %%
def entropy(values, bins):
    counts, _ = np.histogram(values, bins, range=(-1, 2))
    shares = counts[counts > 0] / counts.sum()
    return -np.sum(shares * np.log(shares))


# %%
inputs, z = rng.uniform(-3, 3, 200_000), network(copies)  # inputs from everywhere, and the copies' outputs
rulers = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
about_input, about_image = [], []
for bins in rulers:
    left_uncertain = np.mean([entropy(z[which == i], bins) for i in range(5)])
    about_input.append(entropy(network(inputs), bins))  # H(z | input) = 0
    about_image.append(entropy(z, bins) - left_uncertain)

ch.figures.rulers(rulers, about_input, about_image)
print(f"with 1024 bins: {about_input[-1]:.2f} nats about the input, {about_image[-1]:.2f} about the image")
growth, change = about_input[-1] - about_input[-2], about_image[-1] - about_image[-2]
ch.measure("ruler-decides", endless=growth, settles=abs(change))

# %% [markdown]
# **What you saw.** The information about the *input* grows by $\log 2 = 0.69$ nats each time the bins are halved, without end. With the finest ruler it is infinite, for every network that is nowhere flat, good or bad. The information about the *image* settles at 1.54 of the $\log 5 = 1.61$ nats that five images can give. (Two of the images share some outputs.)
#
# > **Check yourself.** Multiply the output by 1000, with bins of the old width. Which of the two informations changes? ([Answers](what_do_we_maximize_solutions.ipynb))

# %% [markdown]
# ## 2 · A cloud goes through a network
#
# So the chance has to come from the **data**. The paper makes each of the $N$ images $x_n$ the centre of a small Gaussian cloud: a view is $v \sim \mathcal N(x_n, \Sigma_n)$, where the covariance $\Sigma_n$ says which changes leave the image what it is. What becomes of a cloud in the network $f$?
#
# A ReLU network is continuous and piecewise affine: its input space is cut into regions, and on the region of $x_n$ it computes $f(v) = A_n v + b_n$, where the slope $A_n$ is the Jacobian at $x_n$. A Gaussian under an affine map is a Gaussian. So if every cloud stays in its region, the embedding $Z = f(V)$ of a random view follows the law
#
# $$ Z \ \sim\ \frac1N \sum_{n=1}^N \mathcal N\big(A_n x_n + b_n,\ A_n \Sigma_n A_n^\top\big) . \tag{1} $$
#
# Now what remains uncertain about $Z$ once the image is known has a size, and information means something. The price is an assumption: clouds that fit into a region. Let us test it on a real network: digits of $14 \times 14$ pixels between 0 and 1, an encoder 196-256-128 with ReLUs, a linear projector to 64 dimensions, trained with VICReg.

# %%
steps = ch.pick(fast=140, toy=400)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=2))


def train(seed, **weights):
    encoder, projector = recipes.mlp_encoder(seed=seed)  # at its random start
    loss = partial(losses.vicreg, **weights)
    recipes.train_networks(encoder, projector, loss, digits.x_train, seed=seed, steps=steps)
    return torch.nn.Sequential(encoder, projector)


trained = [train(s, inv=25, var=25, cov=25) for s in seeds]

# %% [markdown]
# The cloud is round, $\Sigma_n = \sigma^2 I$: noise of standard deviation $\sigma$ on each pixel. The library's `push_clouds` sends 512 copies of each of some test images through the network, and compares their covariance with $\sigma^2 A_n A_n^\top$ (relative error, in the Frobenius norm). `normality_rejection` asks D'Agostino and Pearson's test for each of the 64 outputs whether it can be Gaussian, and returns the share that is rejected at level 1 %. (Exact Gaussians are rejected once in a hundred times.)
#
# *Guess first.* At $\sigma = 0.001$ the noise cannot be seen. At 0.1 the digit looks dusty, at 1 it cannot be read. Where does (1) end?

# %%
chosen = digits.x_test[torch.randperm(2000, generator=generator)[:20]].flatten(1).double()
noise = randn(20, 512, 196)
clouds, rejected = {}, {}
for sigma in [0.001, 0.1, 1.0]:
    clouds[sigma] = [world.push_clouds(net.double(), chosen, noise, sigma) for net in trained]
    tests = [[world.normality_rejection(z) for z in found.z] for found in clouds[sigma]]
    rejected[sigma] = np.mean(tests, axis=1)  # over the images
    print(f"σ = {sigma}: {rejected[sigma].mean():.0%} of the outputs rejected")

# %%
wrong = [found.cov_error.mean() for found in clouds[1.0]]
ch.measure("gaussian-when-small", small=rejected[0.001], large=rejected[1.0], error=wrong)
ch.figures.ellipses(trained[0], chosen[3], clouds, rejected, 3)

# %% [markdown]
# **What you saw.** *Look at the ellipses:* one and two standard deviations of (1), known from the slope at the centre alone. They fit the small cloud, and neither the place nor the shape of the large one. Theorem (1) is about clouds that hardly change the image. Views made by an augmentation are no such thing, so what follows rests on the data model, not on this network. The other assumption, that clouds of different images do not meet, holds longer: on these digits one draw in a hundred is nearer another image only at $\sigma = 0.22$ ([lab](what_do_we_maximize_lab.ipynb), section B); already at 0.1 one output in five fails the test.
#
# > **Check yourself.** Passing the test for each output says nothing about pairs of outputs. Can two numbers, each Gaussian, together be anything else?

# %% [markdown]
# ## 3 · From below: guess the other view
#
# Let $V$ and $V'$ be two views of one image, and $Z = f(V)$, $Z' = f(V')$. What do we maximize? The paper's answer is $I(Z; V') = H(Z) - H(Z \mid V')$ (and the same with the views exchanged). Here $H(Z) = -\mathbb{E} \log p(Z)$, and $H(Z \mid V') = -\mathbb{E} \log p(Z \mid V')$, with densities in place of the bins' probabilities. We do not know the density $p(z \mid v')$. So **guess** one, $q(z \mid v')$. Add and subtract its logarithm (Barber and Agakov, 2003):
#
# $$ I(Z; V') = H(Z) + \mathbb{E} \log q(Z \mid V') + \underbrace{\mathbb{E} \log \frac{p(Z \mid V')}{q(Z \mid V')}}_{\text{the gap}}\ . \tag{2} $$
#
# The gap is a mean divergence, and never negative: by Jensen's inequality $\mathbb{E}_p \log \frac qp \le \log \mathbb{E}_p \frac qp = \log 1 = 0$. Leave it out, and a **lower bound** remains.
#
# Now guess that $z$ lies around its partner: $q(z \mid v') = \mathcal N(z;\, z', r^2 I)$ in $K$ dimensions. Then
#
# $$ \mathbb{E} \log q = -\frac{1}{2 r^2}\, \mathbb{E} \|Z - Z'\|^2 - \frac K2 \log (2 \pi r^2) . \tag{3} $$
#
# To raise it is to bring partners together: VICReg's **invariance**. Set the derivative in $r^2$ to 0, and the best $r^2$ is $\mathbb{E} \|Z - Z'\|^2 / K$.

# %% [markdown]
# What does the guess cost? Take law (1) at its simplest: round clouds of standard deviation 1 in the plane, $z = c + \xi$ and $z' = c + \xi'$, where $c$ is one of 30 centres and $\xi, \xi'$ are standard normal. In pixel space clouds are apart, so $v'$ tells which image it is: the true $p(z \mid v')$ is $\mathcal N(z;\, c, I)$. The guess knows only the partner $z'$.
#
# *Guess first.* Will the best $r$ be 1, the size of a cloud? How many nats does the guess lose for each dimension?


# %%
n = ch.pick(fast=50_000, toy=200_000)
c = 5 * randn(30, 2)[torch.randint(30, (n,), generator=generator)]
z, partner = c + randn(n, 2), c + randn(n, 2)

radii = np.arange(0.8, 3.01, 0.05)
truth = Normal(c, 1).log_prob(z).mean()  # nats a dimension
gap = [(truth - Normal(partner, r).log_prob(z).mean()).item() for r in radii]
best = radii[np.argmin(gap)]
ch.figures.guesses(radii, gap)
ch.measure("half-of-log-two", best=best**2, loses=min(gap))

# %% [markdown]
# **What you saw.** The best guess is wider than the cloud: $r^2 = 2$, because two noises stand between the partners. It loses 0.35 nats a dimension. The exact number is $\frac12 \log 2$: insert $r^2 = 2$ in the divergence of two Gaussians, $\frac12 \big(\frac{K}{r^2} + \frac{\|z' - c\|^2}{r^2} - K + K \log r^2\big)$, where $\|z' - c\|^2$ is $K$ on average. (The paper has logarithms of determinants in (3) too. They do not follow from it: [lab](what_do_we_maximize_lab.ipynb), section C.)
#
# > **Check yourself.** The bound stays below the truth however the 30 centres lie. Why does the gap not depend on them?

# %% [markdown]
# ## 4 · From above: the entropy
#
# The other half is $H(Z)$, and the entropy of the mixture (1) has no formula. But we know its covariance $\Sigma_Z$, and no law with that covariance has a larger entropy than the Gaussian $g$: since $\log g$ is quadratic, its mean is the same under both laws, so $H(Z) + \mathbb{E} \log \frac{p}{g} = -\mathbb{E} \log g = H_G$, and the divergence is not negative. Hence
#
# $$ H(Z) \ \le\ H_G = \frac K2 \log (2 \pi e) + \frac12 \log |\Sigma_Z| , \tag{4} $$
#
# with $|\cdot|$ the determinant. Put this in the place of $H(Z)$. With the best $r$, for which (3) is $-\frac K2 \log(2 \pi e\, r^2)$, all constants cancel:
#
# $$ I(Z; V') \ \ge\ H(Z) + \mathbb{E} \log q \ \le\ H_G + \mathbb{E} \log q \ =\ \frac12 \log |\Sigma_Z| - \frac K2 \log r^2 \ =:\ J . $$
#
# *Read the signs:* first $\ge$, then $\le$. The one thing that can be computed is $J$. Where does it lie?
#
# *Guess first.* The 30 centres of section 3 lie at random with standard deviation `spread`. No information about 30 images exceeds $\log 30 = 3.4$ nats. When `spread` goes from 0 to 30, where is $J$: below the truth, on it, above it?
#
# The cell computes two numbers for each `spread`. The truth is $H(Z)$ less the entropy $\log(2 \pi e)$ of one cloud (`gmm_entropy_mc` draws from the mixture and averages $-\log p$, which is known here). $J$ is $H_G$ less $\log(2 \pi e \cdot 2)$: its guess has the $r^2 = 2$ of section 3, whatever the spread.

# %%
counts, spreads, draws = [3, 10, 30, 100, 300], np.arange(31), ch.pick(fast=2000, toy=5000)
layouts = {n: randn(n, 2) for n in counts}
truth, J = {}, {}
for n, layout in layouts.items():
    covariances = [s**2 * torch.cov(layout.T, correction=0) + torch.eye(2) for s in spreads]
    H_G = [evaluation.gaussian_entropy(cov) for cov in covariances]
    H = [evaluation.gmm_entropy_mc(s * layout, 1, draws, generator).value for s in spreads]
    truth[n] = np.array(H) - log(2 * pi * e)  # less the entropy of one cloud
    J[n] = np.array(H_G) - log(2 * pi * e * 2)  # less that of a cloud with r² = 2

# %%
for s in [0, 3, 30]:
    print(f"spread {s}: information {truth[30][s]:.2f}, J {J[30][s]:.2f} nats")
ch.measure("either-side", below=J[30][0] - truth[30][0], above=J[30][30] - log(30))
ch.measure("blind-to-clusters", excess=J[30][13] - truth[30][13] + log(2))  # H_G - H

# %%
cb.explore(ch.figures.chain, layouts, spreads, truth, J, spread=(0, 30, 1), images=counts, figsize=(9, 3.6))

# %% [markdown]
# *Drag `spread`, then choose `images`.* On the left the clouds (each circle has a radius of two standard deviations); on the right the truth (black), the lower bound (grey), and $J$ (blue).
#
# **What you saw.** While clouds overlap, the mixture looks Gaussian, and $J$ lies on the lower bound. When they part, the truth stops: who knows which image it was knows all. But the covariance goes on growing, and $J$ with it, past the truth and past the most that there can be. With more images the crossing comes later.
#
# So: **$J$ is no bound on the information, from either side.** It is an upper bound on a lower bound, so neither. $J - I$ is the difference of two errors, $(H_G - H(Z))$ minus the gap of (2), and either can win. If $Z$ itself is Gaussian, the first error is 0, and $J$ is sure to be a lower bound.
#
# > **Check yourself.** Multiply all embeddings by 10. What happens to $H(Z)$, to $H_G$, and to $J$?

# %% [markdown]
# ## 5 · The three terms
#
# Split the determinant. Let $\mathcal R$ be the matrix of the correlations $\mathcal R_{ij}$ of the dimensions. Then $\log |\Sigma_Z| = \sum_i \log \mathrm{Var}(Z_i) + \log |\mathcal R|$. The first part says: **every dimension should vary**. The second is $\log |\mathcal R| = \operatorname{tr} \log \mathcal R$, and with the series $\log \mathcal R = (\mathcal R - I) - \frac12 (\mathcal R - I)^2 + \dots$, where $\mathcal R - I$ has zeros on its diagonal,
#
# $$ -\frac12 \log |\mathcal R| \ =\ \frac14 \sum_{i \ne j} \mathcal R_{ij}^2 \ + \ \text{third powers of correlations and more} . \tag{5} $$
#
# The left side is the entropy that is missing because dimensions repeat each other. (The paper says only that the determinant is largest when the matrix is diagonal.) VICReg's covariance penalty, for one view with variances 1, is $\frac1K \sum_{i \ne j} \mathcal R_{ij}^2$. So the missing entropy is about $K/4$ times the penalty. For faint correlations that is nearly exact; strong ones at random cost more ([lab](what_do_we_maximize_lab.ipynb), section E). The whole translation:
#
# | in $J$ | asks for | VICReg's term |
# |---|---|---|
# | $-\frac K2 \log r^2$, where $r^2 = \mathbb{E}\|Z - Z'\|^2 / K$ | partners close | invariance: mean squared distance |
# | $\frac12 \sum_i \log \mathrm{Var}(Z_i)$ | dimensions that vary | variance: what a standard deviation lacks to 1 |
# | $\frac12 \log \lvert \mathcal R \rvert$ | no repetition | covariance: squared covariances |
#
# VICReg takes the distance itself, as (3) does for a fixed $r$. The logarithm of a variance never has enough; VICReg stops at 1 and weighs freely: a simpler relative of $J$, not $J$ itself.
#
# > **Check yourself.** Which term would you miss first if it were dropped?

# %% [markdown]
# ## 6 · What a trained network is credited with
#
# One question is left: is $J$ a bound on *anything*? Let the guess be any Gaussian around any linear function of $z'$. The best one is linear regression of $z$ on $z'$. Behind the canonical correlations $\rho_i$ of the two views it leaves variances $1 - \rho_i^2$ of 1, so $H_G + \mathbb{E} \log q$ becomes
#
# $$ I_G = -\frac12 \sum_{i=1}^K \log (1 - \rho_i^2) \ \ge\ J , \tag{6} $$
#
# and $J$, with its round guess around $z'$ itself, is one of the worse choices. $I_G$ is what two views would share if they were jointly **Gaussian** with these second moments. So $J$ is a lower bound after all: on the information of Gaussian twins.
#
# And the truth? Take 500 test images, each as likely as the others, and views that are turned by up to 20°, zoomed and shifted. All that $Z$ and $V'$ have in common is the image, so that $I(Z; V') \le \log 500 = 6.2$ nats, for every network.
#
# *Guess first.* For the network of section 2: is $J$ below 6.2? Is $I_G$? And what is left of $I_G$ if a term of the loss was dropped?


# %%
def pairs_of_views(network, strangers=False):
    images = digits.x_test[:500].repeat(16, 1, 1, 1)  # 16 pairs of views each
    others = images[torch.randperm(8000, generator=generator)] if strangers else images
    views = (recipes.tiny_affine(x, generator) for x in (images, others))
    return [training.features(network, view).double() for view in views]


def credited(z, partner):
    r2 = (z - partner).square().mean().item()  # the best r² of (3)
    J = torch.logdet(torch.cov(z.T)).item() / 2 - 64 / 2 * log(r2)
    rho = spectral.cca(z, partner, dim=64).rho  # canonical correlations
    return -np.log(1 - rho**2).sum() / 2, J


# %%
networks = {
    "VICReg": [net.float() for net in trained],
    "no covariance": [train(s, inv=25, var=25, cov=0) for s in seeds],
    "no invariance": [train(s, inv=0, var=25, cov=25) for s in seeds],
    "untrained": [torch.nn.Sequential(*recipes.mlp_encoder(seed=s)) for s in seeds],
}
I_G, J = {}, {}
for name, several in networks.items():
    I_G[name], J[name] = np.array([credited(*pairs_of_views(net)) for net in several]).T
    print(f"{name:15} I_G {I_G[name].mean():6.1f}   J {J[name].mean():7.1f} nats")

# %%
full = I_G["VICReg"]
ch.measure("more-than-there-is", twins=full - log(500), round=J["VICReg"])
gains = {name.replace(" ", "_"): full - I_G[name] for name in ["no covariance", "no invariance", "untrained"]}
ch.measure("each-term-adds", **gains)

# %%
strangers = [credited(*pairs_of_views(net, strangers=True))[0] for net in networks["VICReg"]]
ch.measure("strangers", credited=strangers)
ch.figures.credits(I_G, 500)

# %% [markdown]
# **What you saw.** VICReg raises what Gaussian twins would share, and for that it needs each of the terms that we dropped. But its two views are credited with more nats than 500 images have. (Even 2,000 images would have only $\log 2000 = 7.6$.) And $J$, with the round guess of the actual loss, is far below 0, where a lower bound says nothing: the geometric mean of the variances of the 64 directions is below $r^2$. On one and the same network the two stand on either side of the truth.
#
# Look once more at the column $J$. Without invariance it ends *higher* than with the full loss: VICReg, with its hinge and its weights, does not simply climb $J$. "VICReg maximizes mutual information" tells where its terms come from. It is not a measurement.
#
# > **Check yourself.** Strangers, views of two different images, share nothing. Why is their $I_G$ not 0?

# %% [markdown]
# ## What breaks
#
# - **The data model.** Clouds that fit into a region hardly change an image (section 2); turns and shifts do.
# - **The chain.** An upper bound inside a lower bound (section 4). The next chapter, [information and VICReg](../06_information_vicreg/information_vicreg.ipynb), estimates the entropy from distances between clouds, which do see clusters.
# - **The score.** $I_G$ counts what views share, not what it is good for. How well digits are read is measured in the [lab](what_do_we_maximize_lab.ipynb), section D.
# - **The toy.** Three layers, 14 × 14 digits, and a covariance weight of 25, since with the usual 1 so small a network stays half collapsed. The paper tests the two assumptions on deep networks, CIFAR-10 and Tiny ImageNet, and shows curves: all numbers here are ours.

# %% [markdown]
# ## Summary
#
# 1. A deterministic network has infinite information about its input, good or bad. About *which image* a view shows, the information is finite: the chance comes from the data.
# 2. A small Gaussian cloud stays Gaussian in a ReLU network. A large one does not.
# 3. A guess of the partner gives a lower bound, and invariance. A Gaussian of the same covariance gives an upper bound on the entropy inside it, and variance and covariance.
# 4. Together they bound the information from neither side: it can be too little where clouds coincide, and too much where they part.
# 5. What they do bound from below is the information of Gaussian twins, which canonical correlations give.
#
# The exercises below take an hour and a half, those of the lab another two hours.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. In section 3, somebody takes $r = 1$, the true size of a cloud. How many nats a dimension does the guess lose? And with a huge $r$?
#
# <details><summary>Hint</summary>The divergence of two Gaussians stands under section 3. What remains of it when $K = 1$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 30 min. Prove (6): that the best linear Gaussian guess gives $I_G$, and that $J \le I_G$.
#
# <details><summary>Hint</summary>Canonical coordinates make both views white and pair them one by one. What is the variance that is left of one number when another, correlated by $\rho$, is known? For the inequality: a minimum over more guesses.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 60 min. The round guess has one $r$ for all dimensions. Give it one for each direction instead: $q = \mathcal N(z', \Gamma)$ with any covariance $\Gamma$. What is the best $\Gamma$, and how far does $J$ rise towards $I_G$ for the trained network? What does the rest cost?
#
# <details><summary>Hint</summary>It is the covariance of $Z - Z'$. Which guess has $z'$ times a number below 1 for its centre, and when does that matter?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Shwartz-Ziv, R. Balestriero, Y. LeCun. [What Do We Maximize in Self-Supervised Learning?](https://arxiv.org/abs/2207.10081) *ICML Workshop on Pre-training*, 2022.
# - A. Bardes, J. Ponce, Y. LeCun. VICReg. *ICLR*, 2022. D. Barber, F. Agakov. The IM algorithm. *NeurIPS*, 2003. R. Linsker. Self-organization in a perceptual network. *Computer*, 1988.
# - R. A. Amjad, B. C. Geiger. Learning representations for neural network-based classification using the information bottleneck. 2018. Z. Goldfeld et al. Estimating information flow in deep neural networks. 2018.
# - R. D'Agostino, E. S. Pearson. Tests for departure from normality. *Biometrika*, 1973. T. Cover, J. Thomas. *Elements of Information Theory*, 2006. R. Balestriero, R. Baraniuk. A spline theory of deep learning. *ICML*, 2018.

# %%
ch.footer()
