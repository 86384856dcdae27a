# %% [markdown]
# # Joint embedding vs reconstruction
#
# Predict the pixels, or predict the latents? Masked auto-encoders do the one, VICReg, BYOL and DINO the other. The paper of this chapter asks which of the two is fooled by things that do not matter: the lighting, the scanner, the noise of a sensor.
#
# After this lesson you can tell from a few variances which nuisance either method keeps, and how well an augmentation must imitate a nuisance before either lets go of it.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from scipy.optimize import bisect

import cookbook as cb
from replearn import evaluation, spectral
from replearn.papers import joint_embedding_vs_reconstruction as world

ch = cb.Chapter("joint_embedding_vs_reconstruction", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)

# %% [markdown]
# ## 1 · Two numbers, and room for one
#
# Each sample $x$ below has two numbers. The horizontal one is what you care about, the **signal**. The vertical one is a **nuisance**. An augmentation makes views of each sample: it shakes the signal a little, and it imitates the nuisance, on the left at a fifth of its size, on the right in full.


# %%
def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def deviations(signal, nuisance):
    return torch.tensor([signal, nuisance], dtype=torch.float64).sqrt()


samples = [randn(2000, 2) * deviations(9, nuisance) for nuisance in [2, 25]]
shakes = [deviations(2, 0.02 + 0.2**2 * 2), deviations(2, 0.02 + 25)]
views = [torch.tensor([[-7, 0], [-2, 0], [3, 0]])[:, None] + shake * randn(3, 60, 2) for shake in shakes]
titles = ["Weak nuisance, badly imitated", "Strong nuisance, well imitated"]
ch.figures.clouds(samples, views, titles)

# %% [markdown]
# *Grey are the samples; each color is sixty views of one sample.* Now a linear encoder may keep **one** direction. Train it to *reconstruct* each sample from a view, or to give two views of a sample the *same embedding*. Which direction does it keep?
#
# Ask each direction $i$ two things: what is its variance $a_i$ over the samples, and how much of a view's variance is that? The views of one sample add some variance of their own; call the share that is left the **repeatability**
#
# $$ \omega_i = \frac{a_i}{a_i + \text{variance over the views of one sample}} . $$
#
# **Joint embedding** scales its number $z$ to variance 1, to rule out collapse. Two views of a sample then differ by $E (z - z')^2 = 2 (1 - \omega_i)$ if $z$ is direction $i$. It keeps the largest $\omega_i$.
#
# **Reconstruction** guesses $x_i$ from the view $v_i$. The best linear guess is $\omega_i v_i$, and its error is $a_i - a_i \omega_i$. So to keep direction $i$ saves $a_i \omega_i$ of the error. It keeps the largest
#
# $$ \phi_i^2 = a_i\, \omega_i . \tag{1} $$
#
# That is the paper in one line. Joint embedding asks *how repeatable* a direction is. Reconstruction asks that, too, *times how large* it is: it is paid in pixels. (That mixing directions does not pay is Theorems 3.1 and 3.2, in the [lab](joint_embedding_vs_reconstruction_lab.ipynb).)

# %% [markdown]
# *Guess first.* On the left the signal has $\omega = 9/11 = 0.82$ and the nuisance $2/2.1 = 0.95$. On the right the nuisance has $25/50 = 0.5$. What do the four trainings keep?
#
# We train by gradient descent on views drawn afresh at each step. It knows nothing of (1).


# %%
def loss_of(method, encoder, decoder, x, view, other):
    if method == "reconstruction":
        return (view @ encoder @ decoder - x).square().sum(1).mean()
    z, partner = view @ encoder, other @ encoder
    return (z - partner).square().mean() / z.square().mean()  # z scaled to variance 1


# %%
def descend(method, x, shake, steps=400):
    encoder, decoder = randn(2, 1).requires_grad_(), randn(1, 2).requires_grad_()
    optimizer = torch.optim.Adam([encoder, decoder], lr=0.05)
    for _ in range(steps):
        view, other = x + shake * randn(*x.shape), x + shake * randn(*x.shape)
        optimizer.zero_grad()
        loss_of(method, encoder, decoder, x, view, other).backward()
        optimizer.step()
    return encoder.detach() / encoder.detach().norm()


# %%
methods = ["reconstruction", "joint_embedding"]
arrows = {method: [descend(method, x, shake) for x, shake in zip(samples, shakes, strict=True)] for method in methods}
ch.figures.clouds(samples, views, titles, arrows)
weak_rc, strong_rc = [direction[0].item() ** 2 for direction in arrows["reconstruction"]]  # cos² with the signal
weak_je, strong_je = [direction[0].item() ** 2 for direction in arrows["joint_embedding"]]
ch.measure("which-direction", weak_rc=weak_rc, weak_je=weak_je, strong_rc=strong_rc, strong_je=strong_je)

# %% [markdown]
# **What you saw.** Neither method is the right one. Joint embedding took the weak nuisance for signal, because the augmentation hardly shakes it. Reconstruction took the strong one, because it is large.
#
# > **Check yourself.** Multiply the nuisance by 10 in samples *and* views, as if measured in other units. Which of the two methods may change its mind? ([Answers](joint_embedding_vs_reconstruction_solutions.ipynb))

# %% [markdown]
# ## 2 · How well must a nuisance be imitated?
#
# Many directions now, of which the encoder keeps $K$. Direction $i$ of the data carries *either* signal of variance $\kappa_i^2$ *or* nuisance of variance $\gamma_i$, so $a_i = \kappa_i^2 + \gamma_i$; there are $K$ signals. A view adds noise of variance $\theta_i + \alpha^2 \gamma_i$: some of its own, $\theta_i$, and an imitation of the nuisance with amplitude $\alpha$. We call $\alpha$ the **alignment**. With it, and endless samples,
#
# $$ \omega_i = \frac{a_i}{a_i + \theta_i + \alpha^2 \gamma_i} . $$
#
# All nuisance is dropped if each nuisance scores below the weakest signal. The weakest signal scores $\eta^2 = \min \phi_i^2$ with reconstruction, $\delta = \min \omega_i$ with joint embedding. For a nuisance $\phi_i^2 = \gamma_i / (1 + \alpha^2 + \theta_i / \gamma_i)$ and $\omega_i = 1 / (1 + \alpha^2 + \theta_i / \gamma_i)$. Solve for $\alpha^2$, and the nuisances are dropped if it exceeds
#
# $$ \alpha_{\mathrm{RC}}^2 = \max_i \Big( \frac{\gamma_i}{\eta^2} - \frac{\theta_i}{\gamma_i} - 1 \Big), \qquad \alpha_{\mathrm{JE}}^2 = \max_i \Big( \frac1\delta - \frac{\theta_i}{\gamma_i} - 1 \Big), \tag{2} $$
#
# where a negative value means that no alignment is needed (Propositions 4.3 and 4.4). The two differ in one term. In reconstruction's, $\gamma_i$ stands: $\alpha_{\mathrm{RC}}^2$ is a straight line in $\gamma_i$, less $\theta_i / \gamma_i$, which vanishes as the nuisance grows. In joint embedding's stands a constant: it never needs more than $\sqrt{1/\delta - 1}$.

# %% [markdown]
# **Drag `nuisance`**, the largest variance of fourteen nuisances beside six signals. The six best of all scores are kept, and are rose if they are nuisance; the dashed line is the weakest signal. On the left the nuisance overruns the signal. On the right nothing trades places. Then **drag `alpha`** until all rose has sunk below the line.

# %%
kappa2, theta, shape = world.random_variances(size=1, seed=ch.seed)
slider = cb.log_slider(12, 0.1, 100)
cb.explore(ch.figures.scores, kappa2, theta, shape, alpha=(0.0, 5.0, 0.05), nuisance=slider, figsize=(7.4, 2.9))

# %% [markdown]
# Does (2), made for endless samples, foretell what 100,000 of them do? We need a number for "the signal is kept": the mean of $\cos^2$ over the six angles between the encoder and the signal. It is 1 if all six signals are kept, $5/6$ if one was exchanged for a nuisance. By bisection we look for the smallest $\alpha$ at which less than *half* a direction is lost.
#
# *Guess first.* The signals have variances of 2 to 6. For a strong nuisance, of variance up to 12, which method needs the larger alignment, and how many times larger? For a weak one, up to 0.6?


# %%
def kept_signal(moments, method):
    encoder = world.linear_encoder(moments, 6, paradigm=method)
    return spectral.subspace_overlap(encoder, np.eye(20)[:, :6])


def smallest_alpha(variances, method, seed):
    kappa2, theta, gamma = variances
    corrupted = world.nuisance_samples(kappa2, gamma, 100_000, seed=seed)[1]

    def margin(alpha):
        moments = spectral.additive_moments(corrupted, theta + alpha**2 * gamma)
        return kept_signal(moments, method) - (1 - 1 / 12)

    return 0.0 if margin(0) > 0 else bisect(margin, 0, 20, xtol=0.01)


# %%
worlds = range(ch.seed, ch.seed + ch.pick(fast=2, toy=4))
weak = [world.random_variances(size=0.6, seed=s) for s in worlds]
strong = [world.random_variances(size=12, seed=s) for s in worlds]


def found(variances, method):
    return np.array([smallest_alpha(each, method, s) for each, s in zip(variances, worlds, strict=True)])


weak_rc, weak_je = found(weak, "reconstruction"), found(weak, "joint_embedding")
strong_rc, strong_je = found(strong, "reconstruction"), found(strong, "joint_embedding")
print("weak nuisance:  ", weak_rc.round(2), "and", weak_je.round(2))
print("strong nuisance:", strong_rc.round(2), "and", strong_je.round(2))

# %%
formula_rc = [ch.figures.needed(each, "reconstruction") for each in strong]
formula_je = [ch.figures.needed(each, "joint_embedding") for each in weak + strong]
off_je = np.append(weak_je, strong_je) / formula_je - 1
ch.measure("threshold-formula", reconstruction=abs(strong_rc / formula_rc - 1), joint_embedding=abs(off_je))
ch.measure("which-is-easier", weak_rc=weak_rc, weak_je=weak_je, strong=strong_rc / strong_je)

# %% [markdown]
# **What you saw.** Against the weak nuisance reconstruction needs no alignment at all, and joint embedding does. Against the strong one both need some, and reconstruction more than twice as much.
#
# Where do they change places? For one nuisance the two values of (2) differ by $\gamma_i / \eta^2 - 1 / \delta$. So reconstruction needs less as long as all $\gamma_i < \eta^2 / \delta$, joint embedding if all are larger (Corollary 4.5). If one signal is the weakest in both senses, $\eta^2 / \delta$ is its variance. *A nuisance is strong if it has more variance than the weakest signal.*

# %%
sizes = np.geomspace(0.15, 15, ch.pick(fast=5, toy=9))
level = (shape > 0).astype(float)  # all fourteen nuisances of one variance
dots = {}
for method in methods:
    dots[method] = {size: smallest_alpha((kappa2, theta, size * level), method, ch.seed) for size in sizes}
ch.figures.thresholds(kappa2, theta, level, dots)

# %% [markdown]
# *Curves are (2), dots are found on samples.* A threshold is where the *last* nuisance goes. Below it, directions are lost one after the other, not all at once.
#
# > **Check yourself.** An augmentation has $\theta_i = 0$ for all $i$ and any $\alpha > 0$. Does joint embedding drop the nuisance?

# %% [markdown]
# ## 3 · Digits with a nuisance
#
# The paper's experiment. Digits, with pixels from 0 to 255, become 50 principal components, of variances from about 350,000 down to 10,000. Fifty more columns hold nothing but Gaussian nuisance. Its variances are uniform up to $10^6$ (**strong**) or up to 5,000 (**weak**; the paper takes 1,000). The augmentation's own noise has variances up to $10^4$ in all columns, and $K = 50$.
#
# A least-squares probe reads the digit off the embeddings of *corrupted* test data. Beside the two methods stand a **supervised** encoder, the regression of the labels on the same views (in closed form a ridge: exercise L1 of the lab); **PCA** of the corrupted data, which knows no augmentation; a probe on **all 100 columns**; and one on the **clean** components.
#
# *Guess first.* With the strong nuisance, how do the two methods do at $\alpha = 0$? And at $\alpha = 1$?

# %%
n = ch.pick(fast=1500, toy=4000)
strengths = ch.pick(fast=[0, 1, 10], toy=[0, 0.1, 0.3, 1, 3, 10])
draws = range(ch.seed, ch.seed + ch.pick(fast=2, toy=3))
weak_digits = [world.digits_with_nuisance(5e3, n=n, seed=s) for s in draws]
strong_digits = [world.digits_with_nuisance(1e6, n=n, seed=s) for s in draws]


def encoders(digits, alpha):
    noise, train = digits.theta + alpha**2 * digits.gamma, digits.corrupted[:n]
    moments = spectral.additive_moments(train, noise)
    linear = {method: world.linear_encoder(moments, 50, paradigm=method) for method in methods}
    linear["supervised"] = world.ridge_augmented(train, np.eye(10)[digits.labels[:n]] - 0.1, np.diag(noise))
    return linear | {"PCA": np.linalg.eigh(moments.C_clean)[1][:, -50:]}  # C_clean: of samples, not views


# %%
def accuracy(z, digits):
    return evaluation.ridge_probe(z[:n], digits.labels[:n], z[n:], digits.labels[n:], lam=1e-6)


def accuracies(digits, alpha):
    return {name: accuracy(digits.corrupted @ weights, digits) for name, weights in encoders(digits, alpha).items()}


def given_up(digits, alpha):
    signal, found = np.eye(100)[:, :50], encoders(digits, alpha)
    return {method: 1 - spectral.subspace_overlap(found[method], signal) for method in methods}


def mean_table(measure, data):
    """For each encoder its mean over the draws, one number for each alignment."""
    rows = [[measure(digits, alpha) for digits in data] for alpha in strengths]
    return {name: [np.mean([each[name] for each in row]) for row in rows] for name in rows[0][0]}


# %%
lost, read = mean_table(given_up, weak_digits), mean_table(accuracies, strong_digits)
clean = np.mean([accuracy(digits.clean[:, :50], digits) for digits in strong_digits])
all_columns = np.mean([accuracy(digits.corrupted, digits) for digits in strong_digits])
print(f"clean {clean:.3f}, all 100 columns {all_columns:.3f}, PCA {read['PCA'][0]:.3f}")
ch.figures.digits(lost, read, strengths, clean)

# %%
gain = np.subtract(read["joint_embedding"], read["reconstruction"])
ch.measure("digits-strong", gain=gain[strengths.index(1)])
ch.measure("digits-unaligned", gain=gain[0], missing=clean - read["joint_embedding"][0])

# %%
missing = clean - np.array(read["reconstruction"])
ch.measure("digits-ten-times", full=missing[strengths.index(1)], ten=missing[-1])
ch.measure("digits-labels", missing=clean - read["supervised"][0])

# %% [markdown]
# Against the weak nuisance accuracy hardly tells the methods apart: what is given up are the smallest components. Two finer measures do: the share of the 50 signals that is given up (1 minus the mean $\cos^2$), and the probe's squared error on the labels of the training data.


# %%
def unexplained(digits, method):  # squared error of the best linear probe
    z = (digits.corrupted @ encoders(digits, 0)[method])[:n]
    return evaluation.null_projection_residual(z, np.eye(10)[digits.labels[:n]] - 0.1) ** 2 / n


rows = [accuracies(digits, 0) for digits in weak_digits]
print("accuracy:", {method: round(np.mean([row[method] for row in rows]).item(), 3) for method in methods})
more = [unexplained(digits, "joint_embedding") - unexplained(digits, "reconstruction") for digits in weak_digits]
ch.measure("digits-weak", rc=lost["reconstruction"][0], je=lost["joint_embedding"][0], more=np.mean(more))

# %% [markdown]
# **What you saw.** Strong and imitated in full: joint embedding reads digits as if there were no nuisance, and reconstruction is far behind, nearer to PCA than to clean data. It recovers when the augmentation is ten times as large as the nuisance. Weak and not imitated: reconstruction keeps nearly all of the signal, and joint embedding gives up several of the fifty components, which costs it less than a point of accuracy. Strong and *not* imitated: both fail.
#
# The supervised encoder needs no alignment. The nuisance has nothing to do with the labels, and with enough samples regression notices (Proposition 4.2). Without labels nothing says which of two repeatable directions matters, and no number of samples will ([lab](joint_embedding_vs_reconstruction_lab.ipynb)).
#
# > **Check yourself.** Why does a probe on all 100 columns do so well, with no encoder at all?

# %% [markdown]
# ## What breaks
#
# - **The gain hangs on $K$.** All 100 columns hold everything; an encoder with $K = 100$ loses nothing, and the two methods tie. The gain shrinks as $K$ grows from the number of signals to that of the columns. The lab has the slider.
# - **It hangs on the units.** Reconstruction minds in what unit each target is measured, joint embedding does not. Reconstruct targets that all have variance 1, and most of the difference is gone (lab).
# - **It hangs on where one tests.** Train *and* test the probe on clean data, and the harm is gone: a trace of every signal passes either encoder, and nothing drowns it. A nuisance has to be present to be missed.
# - **Alignment must come from someone.** $\alpha > 0$ means that somebody knew what the nuisance looks like. Neither method finds that out.
# - **How the toy differs.** Linear encoders, Gaussian nuisance independent of the signal. For deep networks there is evidence, no theorem: with corruptions of ImageNet-100 from severity 1 to 5, the paper's linear probes lose 25.1 % with MAE, 10.5 % with DINO, 12.4 % with BYOL (not reproduced here).

# %% [markdown]
# The [lab](joint_embedding_vs_reconstruction_lab.ipynb) has the closed forms for any augmentation, what more samples do below a threshold, and the two choices on which the digits hang.
#
# ## Summary
#
# 1. Joint embedding ranks a direction by its repeatability $\omega$, reconstruction by $a\, \omega$: repeatability times size.
# 2. So joint embedding is fooled by what the augmentation leaves alone, reconstruction by what is large.
# 3. The alignment that reconstruction needs grows with the nuisance without end; joint embedding's has a ceiling.
# 4. They change places at $\gamma = \eta^2 / \delta$: the variance of the weakest signal, if one is weakest for both.
# 5. On digits both orders come out; by how much depends on $K$ and on units. Labels need no alignment.

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1** ●○○ 10 min. Show that $\alpha_{\mathrm{JE}} \le \sqrt{1 / \delta - 1}$ for any nuisance, and check it on a hundred worlds.
#
# <details><summary>Hint</summary>What can the term θ/γ do to the maximum in (2)?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. Let the augmentation have no noise of its own, $\theta_i = 0$. What alignment does reconstruction need then? Check that joint embedding is content with $\alpha = 0.01$.
#
# <details><summary>Hint</summary>How repeatable is a signal that no view shakes?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. With one nuisance direction, at which $\gamma$ are the two thresholds equal? Check that both methods then need the same.
#
# <details><summary>Hint</summary>With one nuisance the two maxima of (2) have one term each.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●○ 20 min. Reconstruct $x_i / \sqrt{a_i}$, targets of variance 1, from the same views. By what does reconstruction rank the directions now?
#
# <details><summary>Hint</summary>Repeat the step before (1): how much error does keeping direction i save?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - H. Van Assel, M. Ibrahim, T. Biancalani, A. Regev, R. Balestriero. [Joint-Embedding vs Reconstruction: Provable Benefits of Latent Space Prediction for Self-Supervised Learning](https://arxiv.org/abs/2505.12477). *NeurIPS*, 2025.
# - R. Balestriero, Y. LeCun. [Contrastive and Non-Contrastive SSL Recover Spectral Embedding Methods](https://arxiv.org/abs/2205.11508), 2022; [Learning by Reconstruction](https://arxiv.org/abs/2402.11337), 2024.
# - C. M. Bishop. Training with noise is equivalent to Tikhonov regularization, 1995. E. Littwin et al. How JEPA Avoids Noisy Features, 2024.
# - K. He et al. MAE, 2022. M. Caron et al. DINO, 2021. J.-B. Grill et al. BYOL, 2020. D. Hendrycks, T. Dietterich. ImageNet-C, 2019.
