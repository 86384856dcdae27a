# %% [markdown]
# # When networks agree, and when they are right: solutions
#
# The exercises of the lesson and of the lab, and answers to *Check yourself*. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import torch
from torch.nn import functional

import cookbook as cb
from replearn import data, evaluation
from replearn.papers import singular_identifiability as paper

ch = cb.Chapter("singular_identifiability_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)
steps = ch.pick(fast=600, toy=3000)


def directions(count, d=3):
    return functional.normalize(torch.randn(count, d, dtype=torch.float64, generator=generator), dim=1)


# %% [markdown]
# ## Check yourself
#
# **Lesson, 1.** From the first to the second: $\tilde z = \tilde F F^{-1} z$ still holds. Back it fails, as $\tilde z$ has lost a direction. That is why agreement takes the worse of both directions.
#
# **Lesson, 2.** Look for something that the input holds and no training asked for: a factor that the views always change, or that no label depends on. If all networks miss it alike, they agree, and have not found the world. Agreement with a network that was trained on another question says more than agreement of two starts.
#
# **Lesson, 3.** Yes: the differences of the rows span a plane only, and a place may move across it. Exercise 3 counts.
#
# **Lesson, 4.** Five: $t + 1 \ge d^2 + d = 6$.
#
# **Lab, A.** With three outputs the three coordinates of the place ($0.8 > 0.6$). With six also the two of the style, at 0.6, and one of the five functions of degree 2 of the place, at 0.52; which one is undetermined.
#
# **Lab, C.** With one candidate the softmax is 1, and the loss 0, whatever $z$ is.
#
# **Lab, E.** A place brings three parameters. With three towns one of them is flat, so $\Lambda$ grows by 1; with twenty none is, and it grows by $\frac32$.
#
# ## The lesson's exercises

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Find the $d^2 + d = 2$ flat directions for $d = 1$ by hand. Check with four towns and five places.
#
# With $d = 1$ the scores are products $w_c z_i$, and the loss sees only their differences $z_i (w_c - w_j)$. Two movements change none of them:
#
# $$ z_i \to F z_i, \quad w_c \to w_c / F \qquad \text{and} \qquad w_c \to w_c + b . $$
#
# Their derivatives at $F = 1$, $b = 0$ are two independent flat directions. There are no others. If $\delta z_i (w_c - w_j) + z_i (\delta w_c - \delta w_j) = 0$ for all $i, c, j$, then $\delta z_i / z_i$ is one number for all places (with $z_i \ne 0$), and $\delta w_c - \delta w_j$ is minus this number times $w_c - w_j$.

# %% tags=["solution"]
towns, places = torch.tensor([[-1.0], [0.2], [0.5], [1.0]]), torch.linspace(-1, 1, 5)[:, None] + 0.1
print("flat directions:", paper.flat_directions(*paper.tabular_classifier(towns, places, kappa=1.0)).nullity)

# %% [markdown] tags=["solution"]
# **2** ●○○ 15 min. Make two representations that agree perfectly, with an $R^2$ of the places of zero.
#
# Take the squares of the coordinates, which forget all signs, and an invertible matrix times them. One is linear in the other. But a coordinate is an odd function of the place and a square an even one, so on the sphere their product averages to 0: no linear map of squares knows anything of the place. ($R^2$ is scored on things that the regression has not seen, so it may fall a little below 0.)

# %% tags=["solution"]
places = data.latent_world(3, seed=ch.seed).sample(2000, generator).double()
squares = places.square()
other = squares @ torch.tensor([[1.0, 2, 0], [0, 1, 3], [1, 0, 1]], dtype=torch.float64)
agreement, truth = evaluation.cross_r2([squares, other])[0, 1], evaluation.linear_r2(squares, places)
print(f"agreement {agreement:.3f}, truth {truth:.3f}")

# %% [markdown] tags=["solution"]
# **3** ●●● 60 min. Predict the count for twenty towns on the equator, free head, $d = 3$, as a function of $N$. Check it for two values of $N$.
#
# The rows $w_c$ have no part across the plane of the equator, so each $z_i$ may move across it: $N$ flat directions. Among these are the three that the matrices $z \to F z$ make by adding to the part across some linear function of $z$. The other $12 - 3 = 9$ of the $d^2 + d = 12$ directions of the first row are still flat and new: the four matrices within the plane, the two that add the part across to the plane (undone by $\delta w_c$ across, a linear function of $w_c$), and the three entries of the vector added to all rows. There are no more, so the count is $N + 9$.

# %% tags=["solution"]
equator = functional.normalize(directions(20) * torch.tensor([1.0, 1.0, 0.0]), dim=1)
for N in (20, 21):
    flat = paper.flat_directions(*paper.tabular_classifier(equator, directions(N), kappa=5.0))
    print(f"{N} places: {flat.nullity} flat, predicted {N + 9}")

# %% [markdown] tags=["solution"]
# Twenty names, and the model is as singular as with three: it is not the number of classes that counts, but what their differences span.
#
# ## The lab's exercises

# %% [markdown] tags=["solution"]
# **L1** ●●○ 20 min. Show that the value of (1) is off by about $-\mathrm{Var}(X) / (2 N\, \mathbb E[X]^2)$, and measure it for the true places. Why does this not contradict section C?
#
# Let $\bar X$ be the mean of $N$ independent $X$. Its mean is $\mathbb E[X]$ and its variance $\mathrm{Var}(X) / N$. Expand the logarithm around $\mathbb E[X]$; the first-order term averages to 0:
#
# $$ \mathbb E \log \bar X = \log \mathbb E[X] - \frac{\mathbb E (\bar X - \mathbb E[X])^2}{2\, \mathbb E[X]^2} + \dots = \log \mathbb E[X] - \frac{\mathrm{Var}(X)}{2 N\, \mathbb E[X]^2} + \dots $$
#
# For the true places $X$ is the exponential of $\kappa$ times a cosine, and the cosine of two independent places on the globe is uniform in $[-1, 1]$. Measured and predicted, in nats:

# %% tags=["solution"]
cosines = 2 * torch.rand(2**18, dtype=torch.float64, generator=generator) - 1
values = (5 * cosines).exp()
for N in (8, 32, 128, 512):
    bias = values.view(-1, N).mean(1).log().mean() - values.mean().log()
    print(f"N = {N}: bias {bias:.4f}, predicted {-values.var() / (2 * N * values.mean() ** 2):.4f}")

# %% [markdown] tags=["solution"]
# For 8 negatives the expansion is too short: higher terms count. And section C? There the positive is among the candidates, and (1) is exactly the cross-entropy of the question "which of these $N$ is the partner?", whose best answer comes from the true ratio for every $N$. The bias makes (1) a poor *estimate* of the limit of many negatives; it does not move the minimum.

# %% [markdown] tags=["solution"]
# **L2** ●●○ 20 min. Show that $\Lambda = \frac12$ for each direction in which the loss is quadratic, and $\frac14$ for one in which it grows with the fourth power. Check the latter with `learning_coefficient`.
#
# In $\int e^{-n \theta^4} d\theta$ put $\theta = n^{-1/4}\, \theta'$. The exponent becomes $-\theta'^4$ and $d\theta = n^{-1/4}\, d\theta'$, so the integral is a constant times $n^{-1/4}$, and (5) gives $\Lambda = \frac14$. With a 2 in place of the 4 it is $\frac12$. Several directions multiply the integrals and add the $\Lambda$. For four directions of the fourth power it is 1, half of what BIC charges (the spring takes a little of it away):

# %% tags=["solution"]
quartic = paper.learning_coefficient(
    lambda theta: theta.pow(4).sum(), torch.zeros(4), temperature=1e-6, spring=1e-4, steps=4 * steps, seed=ch.seed
)
print(f"sampled {quartic:.2f}, predicted 1, BIC 2")

# %% [markdown] tags=["solution"]
# **L3** ●●● 90 min. Raise the temperature $1/n$ of the sampler for three towns. How must the spring be raised with it, and why? From which $n$ on does (6) hold?
#
# In a flat direction only the spring holds the draws, so they go as far as $1 / \sqrt{n \cdot \text{spring}}$. The manifold of minima is curved: a straight step along a flat direction leaves it. So this reach must stay small against the curvature, and the spring grows like $1/n$. But it must also stay far below the smallest curvature that counts, or it freezes directions that are not flat. Between the two there is room as long as $n$ is large.

# %% tags=["solution"]
loss, best = paper.tabular_classifier(directions(3), directions(20), kappa=5.0)
for power in (12, 10, 8, 6, 4):
    spring = max(1e-7, 30 * 10.0**-power)
    sampled = paper.learning_coefficient(
        loss, best, temperature=10.0**-power, spring=spring, step_size=0.3, steps=steps, seed=ch.seed
    )
    print(f"n = 10^{power}: coefficient {sampled:.1f}, (6) says 20")

# %% [markdown] tags=["solution"]
# Down to $n = 10^8$ the sampled coefficient is what (6) says, up to the noise of so few draws. At $10^6$ the spring, at $3 \cdot 10^{-5}$, is already as stiff as the softest directions that count, and the number falls: this estimate no longer measures the model. (With the weak spring kept, the sampler hardly accepts a step, and `learning_coefficient` says so.)

# %% [markdown] tags=["solution"]
# **L4** ●●○ 25 min. Derive the second row of the lesson's table of flat directions: with unit rows, show that what is left of matrix and vector are the quadrics $v^\top Y v + y^\top v = 0$ through all centres, and count them.
#
# The $t$ lengths do not count: $t$ flat directions. For the rest, the rows $w_c = v_c$ move by $\delta w_c = F v_c + b$ with some matrix $F$ and vector $b$ (first row of the table), and keep their length if
#
# $$ v_c^\top \delta w_c = v_c^\top F v_c + b^\top v_c = 0 \quad\text{for all } c . $$
#
# Split $F$ into its antisymmetric part, for which $v^\top F v = 0$ always: these are the $\frac{d(d-1)}2$ rotations. And a symmetric part $Y$, with $y = b$: a quadric through all centres. Such pairs have $\frac{d(d+1)}2 + d = \frac{d(d+3)}2$ entries, and each centre in general position is one equation, so $\max(0, \frac{d(d+3)}2 - t)$ are left. (The sphere itself is not among them: its equation has a constant.) Together
#
# $$ t + \tfrac{d(d-1)}2 + \max \big( 0, \tfrac{d(d+3)}2 - t \big) = \max \big( t + \tfrac{d(d-1)}2 , \ d^2 + d \big) . $$

# %% tags=["solution"]
for count in (8, 9, 10):
    flat = paper.flat_directions(
        *paper.tabular_classifier(directions(count), directions(20), kappa=5.0, unit_rows=True)
    )
    print(
        f"{count} towns: {flat.nullity} flat, of which lengths and rotations {count + 3}, quadrics {max(0, 9 - count)}"
    )

# %%
ch.footer()
