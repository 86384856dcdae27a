# %% [markdown]
# # The kernel regime
#
# A list of pairs leaves two things open: which of several equally good embeddings a network takes, and what it says of an input that it has never seen. After this lesson you can answer both for an infinitely wide network, *without training it*: the answer is one formula, made of the pairs and of a kernel. You will have held it against real networks. (Reading takes about an hour; the exercises below take 75 minutes more, those of the [lab](kernel_regime_lab.ipynb) 160.)

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch

import cookbook as cb
from replearn import spectral
from replearn.papers import kernel_regime as world

ch = cb.Chapter("kernel_regime", scale=scale, seed=seed)
chance = np.random.default_rng(ch.seed)

# %% [markdown]
# ## 1 · What happens at half past four?
#
# A factory works in three shifts of eight hours. For its machines 4:00, 12:00 and 20:00 are the same: four hours into a shift. So two full hours are a positive pair when they lie eight hours apart.

# %%
hours, times = np.arange(24.0), np.arange(0, 24, 0.1)
graph = spectral.augmentation_graph(hours % 8).toarray()
laplacian = np.diag(graph.sum(axis=1)) - graph
ch.figures.three_shifts(hours, seed=ch.seed)

# %% [markdown]
# *Left, the pairs: a colour for each triple of hours, and one triple joined. Right, an embedding with one dimension: a number for each hour.* The [last chapter](../01_spectral_embedding/spectral_embedding.ipynb) sought the embedding $Z$ ($N \times K$; here $N = 24$) that minimises
#
# $$ \mathcal L(Z) = \|\mathrm{Cov}(Z) - I_K\|_F^2 + \frac{\mathrm{inv}}{N} \sum_{ij} G_{ij} \|z_i - z_j\|^2 , $$
#
# where $G$ is the graph of the pairs. Two hours of a triple are pulled together, and nothing else is. So *any* embedding that gives one row to the three hours of a triple, as on the right, makes the second term 0.
#
# Eight triples can have eight numbers, and the mean takes one away: seven directions, to the loss all equal. This is a **tie**. Any two of the seven, uncorrelated and of variance 1, make a perfect embedding with $K = 2$. Which one is taken? And what is said between the dots, at half past four?
#
# To find out, put a network in the place of the table. Its input is the hour hand of a 24-hour clock, a point on a circle. A second network sees a fast hand too, which goes round nine times a day.


# %%
def see(times, fast_hand):
    slow, fast = 2 * np.pi * times / 24, 9 * 2 * np.pi * times / 24
    hands = [np.cos(slow), np.sin(slow), fast_hand * np.cos(fast), fast_hand * np.sin(fast)]
    return np.stack(hands, axis=1)


# %% [markdown]
# `fast_hand` is the length of the fast hand: 0 for the first network, 1 for the second. Both have one hidden layer of 1000 ReLU units and two outputs, and get the same 24 hours, the same pairs and the same loss, with $\mathrm{inv} = 0.5$. `train_wide_network` trains both layers by L-BFGS, a descent method. It subtracts what the network says at its random start, so that it begins with nearly nothing, and adds a small **weight decay**, 0.001 times the squared distance of the weights from their start.
#
# *Guess first:* will the two networks learn the same function of the time?

# %%
vicreg = partial(spectral.vicreg_graph_loss, L=laplacian, inv=0.5)
train = partial(world.train_wide_network, loss=vicreg, dim=2, width=1000, decay=0.001)
starts = range(3 * ch.seed, 3 * ch.seed + ch.pick(fast=1, toy=3))

slow_eyed = [train(see(hours, 0), seed=start) for start in starts]
fast_eyed = [train(see(hours, 1), seed=start) for start in starts]
ch.figures.learned(hours, times, see, slow_eyed[0], fast_eyed[0])


# %%
def share(network, waves, fast_hand):
    strengths = np.abs(np.fft.rfft(network(see(times, fast_hand)), axis=0)) ** 2
    return strengths[waves].sum() / strengths[1:].sum()


networks = [(network, 0) for network in slow_eyed] + [(network, 1) for network in fast_eyed]
losses = [vicreg(torch.tensor(network(see(hours, fast)))).item() for network, fast in networks]
three, nine = [share(n, 3, 0) for n in slow_eyed], [share(n, 9, 1) for n in fast_eyed]
ch.measure("two-networks", slow=three, fast=nine, loss=losses)

# %% [markdown]
# **What you saw.** `share` is the part of the variance, over the day, that lies in waves of so many periods a day. Same pairs, same loss, and two functions: three waves a day, one to a shift, or nine. Both are perfect for the pairs, as eight hours hold a whole number of either. What the loss leaves open, the network decides. *How* does it decide, and could we have known?
#
# > **Check yourself.** Why would four waves a day be a bad answer? ([Answers](kernel_regime_solutions.ipynb))

# %% [markdown]
# ## 2 · A wide network is a kernel
#
# Take a network with weights $\theta$, which start at random at $\theta_0$. The more hidden units it has, the less each weight must move to change the output, and a function whose argument moves little can be replaced by its tangent. With $f$ the output less what it was at the start,
#
# $$ f(x) \ \approx\ (\theta - \theta_0)^\top \nabla_\theta f(x) \ =\ W^\top \Phi(x) . $$
#
# So this is a *linear* encoder, as in the last chapter, but of **features** $\Phi(x)$ in the place of $x$: the slopes of an output with respect to all weights, at the start. $W$ says how far the weights have moved, one column for each of the $K$ outputs. (Outputs share the hidden units, but in the limit of infinite width they do not disturb each other: that is why each has a column of its own.)
#
# There are very many features, but we shall need only their products, $k(x, x') = \Phi(x)^\top \Phi(x')$. Such a function of two inputs is a **kernel**. This one is the *neural tangent kernel* (Jacot et al., 2018).

# %% [markdown]
# With infinitely many hidden units it is a mean over a random unit, and can be worked out. Write $\tilde x = (x, 1)$, the 1 for the bias, and let the network be $\sqrt{2/m}\, \sum_i a_i \max(0, w_i^\top \tilde x)$, with $m$ units and all $a_i$ and $w_i$ standard normal at the start. Let $\alpha$ be the angle between $\tilde x$ and $\tilde x'$.
#
# - The slopes by the $a_i$ are $\sqrt{2/m}\, \max(0, w_i^\top \tilde x)$. The sum of their products tends to twice the mean of $\max(0, w^\top \tilde x) \max(0, w^\top \tilde x')$, which is $\frac1\pi |\tilde x| |\tilde x'| (\sin \alpha + (\pi - \alpha) \cos \alpha)$ (quoted from Cho & Saul, 2009).
# - The slopes by the $w_i$ are $\sqrt{2/m}\, a_i \tilde x$ where the unit is on, and 0 where it is off. It is on at $\tilde x$ when $w_i$ lies in the half-space on the side of $\tilde x$. Two half-spaces at an angle $\alpha$ share a wedge of $\pi - \alpha$ out of $2\pi$: that is the probability that it is on at both. So the products add up to $\frac1\pi (\pi - \alpha) |\tilde x| |\tilde x'| \cos \alpha$.
#
# $$ k(x, x') = \tfrac1\pi\, |\tilde x| |\tilde x'| \big( \sin \alpha + 2 (\pi - \alpha) \cos \alpha \big) . $$
#
# This is `wide_network_kernel`. The loss does not see the mean of an embedding, so let the features have mean 0 over the training inputs: `centered` subtracts the means of rows and columns.


# %%
def wide_kernel(fast_hand):
    kernel = world.centered(world.wide_network_kernel, see(hours, fast_hand))
    k_ss = kernel(see(hours, fast_hand), see(hours, fast_hand))  # the 24 hours with each other
    k_xs = kernel(see(times, fast_hand), see(hours, fast_hand))  # 240 times of the day with the hours
    return k_ss, k_xs


ch.figures.before_learning(times, wide_kernel(0)[1], wide_kernel(1)[1])

# %% [markdown]
# *Each line is the kernel between 4:00 and all other times: what an infinitely wide network finds similar to 4:00 before it has seen a pair.* With the hour hand alone it is the hours nearby. With the fast hand, it is times when that hand stands alike.
#
# ## 3 · The kernel that the pairs make of it
#
# Write $k_{ss}$ for the kernel between the training inputs ($N \times N$), and $k_{xs}$ for the row of all $k(x, x_i)$, from an input $x$ to each of them. Minimise the loss with weight decay, $\mathcal L(Z) + \gamma \|W\|_F^2$.
#
# **Step 1: only training inputs matter.** A part of $W$ that is orthogonal to every $\Phi(x_i)$ changes no $z_i$ and costs decay. At the minimum it is 0, so $W = \sum_i \Phi(x_i) a_i^\top$ with some vectors $a_i$ (a *representer theorem*). Let them be the rows of $A$ ($N \times K$), and let $k_{ss}^{-1}$ be the inverse on centred vectors, the only ones that occur. Then
#
# $$ Z = k_{ss} A, \qquad f(x)^\top = k_{xs} A, \qquad \|W\|_F^2 = \operatorname{tr}(A^\top k_{ss} A) = \operatorname{tr}(Z^\top k_{ss}^{-1} Z) . $$

# %% [markdown]
# **Step 2: complete the square.** With $M = ZZ^\top / N$ and $L$ the Laplacian of $G$, the last chapter found $\mathcal L = \|M - T\|_F^2 + \text{const}$, where $T = I_N - \mathrm{inv}\, L$ and the constant vector is left out. That is $T = H - \mathrm{inv}\, L$ with $H = I_N - \mathbf 1 \mathbf 1^\top / N$, which removes the mean. The decay adds $\gamma N \operatorname{tr}(k_{ss}^{-1} M)$. This is linear in $M$, so it moves the target:
#
# $$ \mathcal L + \gamma \|W\|_F^2 = \| M - T_\gamma \|_F^2 + \text{const}, \qquad T_\gamma = H - \mathrm{inv}\, L - \frac{\gamma N}{2}\, k_{ss}^{-1} . $$
#
# The best $M$ is $[T_\gamma]_K$, by which we mean: keep the $K$ largest eigenvalues of $T_\gamma$, those that are positive, and set the others to 0.
#
# **Step 3: go to new inputs.** From $Z = k_{ss} A$ we get $A = k_{ss}^{-1} Z$. Two inputs have the similarity $f(x)^\top f(x') = k_{xs} A A^\top k_{sx'}$ (where $k_{sx'}$ is the row $k_{x's}$, turned), that is
#
# $$ k^\star(x, x') = N\; k_{xs}\, k_{ss}^{-1}\, [T_\gamma]_K\, k_{ss}^{-1}\, k_{sx'} . \tag{1} $$
#
# This is the **induced kernel** (Kiani et al., 2022). Read it from the right: $k$ carries $x'$ to the training inputs, the pairs say what belongs together *there*, and $k$ carries the answer to $x$. In code (`inv` stays 0.5 in all of this lesson):


# %%
def induced_weights(k_ss, graph, K, decay, inv=0.5):
    N = len(graph)
    laplacian = np.diag(graph.sum(axis=1)) - graph
    inverse = np.linalg.inv(k_ss + 1)  # the 1 gives constants an inverse too, and changes nothing else
    target = np.eye(N) - 1 / N - inv * laplacian - decay * N / 2 * inverse  # T_gamma
    eigenvalues, eigenvectors = np.linalg.eigh(target)
    kept = np.maximum(eigenvalues[-K:], 0)
    Z = np.sqrt(N * kept) * eigenvectors[:, -K:]
    return inverse @ Z  # A


# %% [markdown]
# First the theorem alone. It holds for any features, so take 500 random ones, $\max(0, w^\top \tilde x)$, and let L-BFGS move $W$ from standard normal numbers (`minimize_embedding`). That descent knows of no kernel and no eigenvector. *Guess first:* will it agree with (1) at times that were not among the 24 hours?

# %%
units, biases = chance.standard_normal((4, 500)), chance.standard_normal(500)


def features(times):
    return np.maximum(see(times, 0) @ units + biases, 0) / np.sqrt(500)


phi, phi_new = (features(t) - features(hours).mean(axis=0) for t in (hours, times))
W_formula = phi.T @ induced_weights(phi @ phi.T, graph, K=2, decay=0.001)


# %%
def loss(W):
    return vicreg(torch.tensor(phi) @ W) + 0.001 * W.square().sum()


def apart(W):  # relative difference of all similarities between the 240 times
    found, formula = ((phi_new @ w) @ (phi_new @ w).T for w in (W, W_formula))
    return np.linalg.norm(found - formula) / np.linalg.norm(formula)


descent = spectral.minimize_embedding(loss, 500, 2, seed=ch.seed)  # what it calls Z is our W
gap = descent.losses[-1] / loss(torch.tensor(W_formula)).item() - 1
ch.measure("closed-form", loss=abs(gap), unseen=apart(descent.Z))

# %% [markdown]
# **What you saw.** It agrees, at all times of the day. (Without decay, or with next to none, a descent that starts with small weights ends at nearly the same: see the [lab](kernel_regime_lab.ipynb).)
#
# Now use the formula. In a tie, where eigenvalues of $H - \mathrm{inv}\, L$ are equal, the last term of $T_\gamma$ decides, however small $\gamma$ is: the directions $u$ of least **cost** $u^\top k_{ss}^{-1} u$ come first. On our clock the seven tied directions are waves with 3, 6, 9 and 12 periods a day.
#
# *Guess first:* how long must the fast hand be for nine waves to become cheaper than three: 1, 0.5, or less? Drag `fast_hand`.

# %%
cb.explore(ch.figures.bargain, see, graph, induced_weights, **ch.figures.bargain_controls())

# %% [markdown]
# *Left: $k^\star$ between 4:00 and all times, with dots at the 24 hours. Right: the eigenvalues of $T_\gamma$ for the seven directions, filled where they are among the `dims` $= K$ that are kept.* **What you saw.** A fast hand of a seventh of the other is enough: then the costs cross. Set `dims` to 7 and `decay` to its least: nothing is left to choose. Look at the dots: $k^\star$ is 7 at the hours of the triple and $-1$ at all others, *whatever the kernel is*. The kernel decides only what lies between the dots. Drag `decay` up, and costly directions die.
#
# > **Check yourself.** Why exactly 7 and −1? (The 24 numbers are $N$ times a row of $[T_0]_7$.)
#
# ## 4 · Does a real network keep to the formula?
#
# Formula (1) is exact for a network that is infinitely wide. Ours had 1000 units. Compare all its similarities, between 240 times, with those of (1): `likeness` is the cosine between the two matrices of similarities: 0.98 leaves a relative difference of 0.2, and a common factor counts for nothing. As a rival that needs no kernel, copy the embedding of the nearest hour.


# %%
def likeness(Z, other):
    these, those = Z @ Z.T, other @ other.T
    return np.sum(these * those) / np.linalg.norm(these) / np.linalg.norm(those)


def formula(fast_hand):
    k_ss, k_xs = wide_kernel(fast_hand)
    return k_xs @ induced_weights(k_ss, graph, K=2, decay=0.001)


# %%
nearest = np.round(times).astype(int) % 24 * 10  # where the nearest hour stands among the 240 times
copied = [likeness(formula(fast)[nearest], formula(fast)) for fast in (0, 1)]
learned = np.array([likeness(network(see(times, fast)), formula(fast)) for network, fast in networks])
other_eyes = [likeness(network(see(times, fast)), formula(1 - fast)) for network, fast in networks]
print("likeness to (1): networks", learned.round(4), " copies", np.round(copied, 4))
ch.measure("wide-network", missing=1 - learned, copy=1 - np.array(copied))
ch.measure("other-eyes", likeness=other_eyes)
ch.figures.overlay(times, see, slow_eyed[0], fast_eyed[0], formula(0), formula(1))

# %% [markdown]
# **What you saw.** The likeness misses less than 0.002 of 1, a relative difference of 0.06, and in the picture the scale agrees too. Of each network the formula knew only the pairs, its shape and what it sees. It knew which of the seven directions the network would take, and what it would say at half past four. How wide is wide, and whether networks keep to it on pictures, is in the [lab](kernel_regime_lab.ipynb).
#
# > **Check yourself.** Copying the nearest hour is a good rival for the slow-eyed network and a bad one for the other. Why?
#
# ## 5 · Twenty of 249
#
# Does the tie matter where it counts? Take 250 handwritten digits, each in four views, shifted by up to two pixels. Two views of one picture are a pair.

# %%
digits = world.shifted_digits(250, 4, 1000, seed=ch.seed)
ch.figures.views(digits)

# %% [markdown]
# Every embedding that gives one row to the four views of a picture, with $\mathrm{Cov}(Z) = I_K$, is perfect, and with the mean taken out that leaves 249 directions. Keep $K = 20$. We compare the twenty cheapest, which (1) takes for a wide network on raw pixels, with twenty at random: a random row for each picture.
#
# The judge: 50 of the 250 pictures get a label, on *one* of their views. Kernel ridge regression (`kernel_ridge_classifier`, a linear probe that is given products in the place of features) learns from these 50 and is scored on 1000 new digits. We average over 40 draws of the 50. It needs products only, and with $Z = k_{ss} A$ the products $ZZ^\top$ are $k_{ss} A A^\top k_{ss}$.
#
# *Guess first:* chance is 0.1. Where do the two choices end, which have one and the same loss?

# %%
kernel = world.centered(world.wide_network_kernel, digits.x)
k_ss, k_xs = kernel(digits.x, digits.x), kernel(digits.x_new, digits.x)
pairs = spectral.augmentation_graph(digits.image).toarray()
cheapest = induced_weights(k_ss, pairs, K=20, decay=1e-6)

one_row_each = np.repeat(chance.standard_normal((250, 20)), 4, axis=0)
directions, _ = np.linalg.qr(one_row_each - one_row_each.mean(axis=0))
at_random = np.linalg.solve(k_ss + 1, np.sqrt(1000) * directions)  # the A of this embedding

# %%
draws = [4 * chance.permutation(250)[:50] for _ in range(40)]  # where the labelled views stand


def accuracy(k_ss, k_xs, draws=draws):
    ask = partial(world.kernel_ridge_classifier, lam=0.1)
    guesses = [ask(k_ss[np.ix_(rows, rows)], digits.y[rows], k_xs[:, rows]) for rows in draws]
    return np.mean(np.array(guesses) == digits.y_new)


def induced_accuracy(A):
    return accuracy(k_ss @ A @ A.T @ k_ss, k_xs @ A @ A.T @ k_ss)


# %%
graph_loss = partial(spectral.vicreg_graph_loss, L=spectral.laplacian(pairs)[0], inv=0.5)
for A in (cheapest, at_random):
    value = graph_loss(torch.tensor(k_ss @ A)).item()
    print(f"loss {value:.4f}: accuracy {induced_accuracy(A):.2f}")
ch.measure("smoothest-ties", gain=induced_accuracy(cheapest) - induced_accuracy(at_random))

# %% [markdown]
# **What you saw.** Equal for the loss; for the probe, the whole difference between a good representation and next to none. Is the good one good for its pairs or for its kernel? Take away either. Without pairs: ridge regression with $k$ itself, or with plain products of pixels. With wrong pairs: four views of four *different* pictures. And one strong rival, data augmentation: $k$ with labels on *all four views* of the 50 pictures. *Guess first:* can one label a picture beat four?

# %%
wrong_pairs = spectral.augmentation_graph(chance.permutation(digits.image)).toarray()
all_views = [(rows[:, None] + np.arange(4)).ravel() for rows in draws]
found = {
    "induced kernel, cheapest 20": induced_accuracy(cheapest),
    "kernel k, labels on all four views": accuracy(k_ss, k_xs, all_views),
    "kernel k": accuracy(k_ss, k_xs),
    "products of pixels": accuracy(digits.x @ digits.x.T, digits.x_new @ digits.x.T),
    "induced kernel, random 20": induced_accuracy(at_random),
    "induced kernel, wrong pairs": induced_accuracy(induced_weights(k_ss, wrong_pairs, K=20, decay=1e-6)),
}

# %%
ch.figures.scores(found)
best, augmented = found["induced kernel, cheapest 20"], found["kernel k, labels on all four views"]
plain, wrong = found["kernel k"], found["induced kernel, wrong pairs"]
print(f"one label a picture {best:.3f}, four labels {augmented:.3f}, kernel alone {plain:.3f}")
ch.measure("few-labels", gain=best - plain, behind=augmented - best)
ch.measure("wrong-views", accuracy=wrong)

# %% [markdown]
# **What you saw.** Pairs and kernel are both needed. One label a picture does as well as four (the claim leaves room for three points; look at the printed line). The induced kernel has seen 200 more pictures than the rivals, without their labels. When all pictures are labelled this advantage is gone, and twenty directions are too few ([lab](kernel_regime_lab.ipynb)).
#
# ## What breaks
#
# - **Wide and lazy.** The formula is for networks whose weights hardly move. In practice they move and learn new features, which a fixed kernel cannot.
# - **One batch, one loss.** Here one loss holds all samples. With several batches $W$ is still a sum over samples, but one encoder has to serve all targets at once: exercise L4 finds it by descent. The cost is $O(N^3)$, and two equal views make $k_{ss}$ singular (then $Z$ can only lie in its range: `spectral.kernel_ssl` sees to that). The contrastive loss has another target in the place of $H - \mathrm{inv}\, L$ ([lab](kernel_regime_lab.ipynb)). SimCLR with its softmax has no closed form.
# - **The toy.** The closed forms are the paper's. The price $\gamma$ that decides a tie, the clock, the digits and all numbers are ours; no table of the paper is reproduced.

# %% [markdown]
# ## Summary
#
# 1. A wide network that hardly moves is a linear encoder of features, of which only the kernel $k$ matters.
# 2. Its optimum is a sum over training samples, so pairs and kernel give a new kernel, $k^\star = N k_{xs} k_{ss}^{-1} [T_\gamma]_K k_{ss}^{-1} k_{sx'}$.
# 3. It holds at inputs never seen. On the clock, real networks of 1000 units kept to it, with a likeness above 0.98.
# 4. In a tie the kernel chooses: directions of least cost $u^\top k_{ss}^{-1} u$ come first. Other eyes, other choice.
# 5. On shifted digits twenty directions so chosen served a probe far better than twenty at random, for the same loss.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Show that without decay, $\gamma = 0$, the induced kernel between two *training* inputs is an entry of $N [T_0]_K$, whatever $k$ is. Where in the slider did you see it?
#
# <details><summary>Hint</summary>What is $k_{xs}$ when $x$ runs over the training inputs?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 25 min. On the clock $k_{ss}$ depends only on the difference of two hours, so its eigenvectors are waves. Write down the eigenvalue of $T_\gamma$ for a wave that is constant on the triples, and find by computation, to three digits, the length of the fast hand at which nine waves become the cheapest. Then train a network at half that length and one at twice that length. Do they switch?
#
# <details><summary>Hint</summary>`np.fft.fft(k_ss[0])` holds the eigenvalues of $k_{ss}$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 40 min. Add to each digit's views one that is turned upside down. Which digits suffer, with all pictures labelled?
#
# <details><summary>Hint</summary>Which two digits does the turn carry into each other? And what does *every* digit pay for a second look? Compare with a harmless turn of 10°.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - B. Kiani, R. Balestriero, Y. Chen, S. Lloyd, Y. LeCun. [Joint Embedding Self-Supervised Learning in the Kernel Regime](https://arxiv.org/abs/2209.14884), 2022. A. Jacot, F. Gabriel, C. Hongler. [Neural tangent kernel](https://arxiv.org/abs/1806.07572), 2018. Y. Cho, L. Saul. Kernel methods for deep learning, 2009. L. Chizat, E. Oyallon, F. Bach. [On lazy training](https://arxiv.org/abs/1812.07956), 2019. B. Schölkopf, R. Herbrich, A. Smola. A generalized representer theorem, 2001. J. Simon et al. [On the stepwise nature of self-supervised learning](https://arxiv.org/abs/2303.15438), 2023. D. Johnson et al. [Contrastive learning can find an optimal basis for approximately view-invariant functions](https://arxiv.org/abs/2210.01883), 2023.

# %%
ch.footer()
