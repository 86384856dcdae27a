# %% [markdown]
# # When networks agree, and when they are right: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation
from replearn.data import latent_world
from replearn.papers.singular_identifiability import flat_directions, learning_coefficient, tabular_classifier

ch = cb.Chapter("singular_identifiability_solutions", scale=scale, seed=seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Find the $d^2 + d = 2$ flat directions for $d = 1$ by hand, and check that there are no others for four classes.
#
# With $d = 1$ the scores are the products $h_s w_c$, and the loss sees only their differences $h_s (w_c - w_j)$. Two movements change none of them:
#
# $$ h_s \to a\, h_s, \quad w_c \to w_c / a \qquad \text{and} \qquad w_c \to w_c + b , $$
#
# the second because it moves all scores of a state alike. Their derivatives at $a = 1$, $b = 0$ are two independent flat directions. There are no others: if $\delta h_s\, (w_c - w_j) + h_s\, (\delta w_c - \delta w_j) = 0$ for all $s, c, j$,
# then $\delta h_s / h_s$ is one number for all states (with $h_s \ne 0$), and $\delta w_c - \delta w_j$ is minus this number times $w_c - w_j$. Counted, for four classes and five states:

# %% tags=["solution"]
centres, states = torch.tensor([[-1.0], [0.2], [0.5], [1.0]]), torch.linspace(-1, 1, 5)[:, None]
print(flat_directions(*tabular_classifier(centres, states, kappa=1.0)).nullity)

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Make two representations with cross-$R^2 = 1$ and $R^2(z)$ as small as you can.
#
# Take $h_1(z) = (z_1^2, z_2^2, z_3^2)$, which forgets all signs, and $h_2 = A h_1$ with any invertible $A$. One is linear in the other, so that cross-$R^2 = 1$. But $z_k$ is an odd function and $z_j^2$ an even one, and on the
# sphere $\mathbb E\, z_k z_j^2 = 0$ for all $j, k$: no linear map of squares knows anything of $z$. ($R^2$ is scored on places that the regression has not seen, so it may fall a little below 0.)

# %% tags=["solution"]
places = latent_world(3, n_classes=20, kappa=5.0, seed=ch.seed).sample(2000, torch.Generator().manual_seed(1))
squares = places.double().square()
other = squares @ torch.tensor([[1.0, 2, 0], [0, 1, 3], [1, 0, 1]]).double()
agree, truth = evaluation.cross_r2([squares, other])[0, 1], evaluation.linear_r2(squares, places)
print(f"cross-R² {agree:.3f}, R²(z) {truth:.3f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. InfoNCE has the logarithm of a mean over $B$ negatives. Show that its bias is about $-\mathrm{Var}(e^s) / (2 B\, \mathbb E[e^s]^2)$, and measure it for the true places.
#
# Let $m = \mathbb E[e^s]$ and let $m + \epsilon$ be the mean over $B$ independent negatives, so that $\mathbb E\, \epsilon = 0$ and $\mathbb E\, \epsilon^2 = \mathrm{Var}(e^s) / B$. Then
#
# $$ \mathbb E \log(m + \epsilon) = \log m + \frac{\mathbb E\, \epsilon}{m} - \frac{\mathbb E\, \epsilon^2}{2 m^2} + \dots = \log m - \frac{\mathrm{Var}(e^s)}{2 B m^2} + \dots $$
#
# For the true places $s = \kappa \langle z, z^- \rangle$ with $\kappa = 5$, and the cosine of two independent places on the globe is uniform in $[-1, 1]$. Measured and predicted, in nats:

# %% tags=["solution"]
cosines = 2 * torch.rand(2**19, dtype=torch.float64, generator=torch.Generator().manual_seed(ch.seed)) - 1
values = (5 * cosines).exp()
for B in (8, 32, 128, 512):
    bias = values.view(-1, B).mean(1).log().mean() - values.mean().log()
    print(f"B = {B}: bias {bias:.4f}, predicted {-values.var() / (2 * B * values.mean() ** 2):.4f}")

# %% [markdown] tags=["solution"]
# For 8 negatives the expansion is too short: the higher terms count.

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Watanabe's *learning coefficient* $\lambda$ takes the place of $P/2$. If the minima form a smooth manifold, $\lambda = (P - \text{nullity})/2$. Sample (2) with 3 and with 20 classes; then raise the temperature.
#
# Near a smooth manifold of minima the loss is $\frac12 \sum_i c_i t_i^2$ in the $P - \text{nullity}$ directions $t_i$ that leave it. Under the density $\propto e^{-\mathcal L / T}$ each $t_i$ is normal with variance $T / c_i$, so each term is
# $T/2$ on average, and $\lambda = (P - \text{nullity}) / 2$. With $n = 20$ states in $d = 3$ dimensions, $P = 3\, (20 + C)$; the nullity is $P - 20 \cdot 2$ for $C = 3$, and $3^2 + 3 = 12$ for $C = 20$.


# %% tags=["solution"]
def table_of(C):
    generator = torch.Generator().manual_seed(ch.seed)
    V, z = (F.normalize(torch.randn(k, 3, dtype=torch.float64, generator=generator)) for k in (C, 20))
    return tabular_classifier(V, z, kappa=5.0)


steps = ch.pick(fast=200, toy=1500)
for C, predicted in ((3, 20.0), (20, 54.0)):
    measured = learning_coefficient(*table_of(C), steps=steps)
    print(f"C = {C}: coefficient {measured:.2f}, predicted {predicted}, P/2 = {3 * (20 + C) / 2}")

# %% [markdown] tags=["solution"]
# Three classes leave most parameters free, and the coefficient is far below $P/2$. These were at $T = 10^{-12}$. Now raise the temperature, with three classes and the same noise:

# %% tags=["solution"]
for temperature in (1e-11, 1e-10):
    measured = learning_coefficient(*table_of(3), temperature=temperature, steps=steps)
    print(f"T = {temperature:.0e}: {measured:.2f}")

# %% [markdown] tags=["solution"]
# The coefficient is a limit for $T \to 0$. It stays for a while, and then it begins to move: draws leave the neighbourhood in which the loss is quadratic. A few times hotter still, the steps of this sampler, which are made
# for a quadratic loss, run away to infinity.

# %%
ch.footer()
