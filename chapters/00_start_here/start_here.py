# %% [markdown]
# # Start here
#
# After this page you can run a chapter, move its sliders and read its claims, and you will have seen the one idea from which the whole book grows: **what is learned without labels is what two views of a thing share.** Here it is shown for the simplest learner there is, one that keeps a single direction.
#
# > **First press _Run ▸ Run All Cells_.** It takes a few seconds. Until then you look at stored pictures under drawn sliders; afterwards you can drag them.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import scipy.linalg

import cookbook as cb

ch = cb.Chapter("start_here", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)

# %% [markdown]
# ## 1 · What do two views share?
#
# Self-supervised learning trains a model on data that nobody labelled. It takes one thing, looks at it twice (two crops of one photograph, say), and asks the model to say the same about both. The two looks are called **views**.
#
# Here is the smallest such world. A thing is a point $x = (x_1, x_2)$ in the plane. It varies much along $x_1$ (variance $s_1^2 = 4$) and less along $x_2$ (variance $s_2^2 = 1$). A view is the point plus fresh noise, with variance $\sigma_1^2 = 8$ along $x_1$ and $\sigma_2^2 = 0.1$ along $x_2$.

# %%
signal = np.array([4.0, 1.0])  # variance of x along each axis
noise = np.array([8.0, 0.1])  # variance that each view adds


def two_views(noise, n):
    x = rng.normal(size=(n, 2)) * np.sqrt(signal)
    v, v_prime = (x + rng.normal(size=(n, 2)) * np.sqrt(noise) for _ in range(2))
    return v, v_prime


ch.figures.pairs(*two_views(noise, 60))

# %% [markdown]
# *Look at the lines.* Now you may keep only *one* number of each view: you choose a direction $w$ and keep $w^\top v$. You want the two numbers of a pair to be as alike as possible, *compared with how much they differ from thing to thing*. (Alike alone is cheap: $w = 0$ agrees perfectly and says nothing.)
#
# *Guess first:* would you keep $x_1$, along which the points spread most, or $x_2$, or something between?

# %% [markdown]
# ## 2 · The best direction
#
# Along $x_1$ the lines are long: the two views disagree there, although that is where the points spread most. Along $x_2$ they are short. How does one weigh the two?
#
# Call the two views of a thing $v$ and $v'$; everything has mean zero. Let $C = \mathbb{E}[v v^\top]$ be the covariance of a view, and $C_+ = \mathbb{E}[v v'^\top]$ the covariance *between* the two views. Then $w^\top v$ has variance $w^\top C w$, its covariance with $w^\top v'$ is $w^\top C_+ w$, and so the correlation between what is kept of the two views is
#
# $$ \rho(w) = \frac{w^\top C_+ w}{w^\top C w} . $$
#
# The two noises have nothing in common, so only the signal is left in $C_+ = \mathrm{diag}(s_1^2, s_2^2)$, while $C = \mathrm{diag}(s_1^2 + \sigma_1^2,\ s_2^2 + \sigma_2^2)$. Write $a_i = w_i^2 (s_i^2 + \sigma_i^2)$. Then $\rho(w) = (a_1 \rho_1 + a_2 \rho_2) / (a_1 + a_2)$, a weighted average of two numbers, one for each axis: its **share of signal**
#
# $$ \rho_i = \frac{s_i^2}{s_i^2 + \sigma_i^2} , \qquad \rho_1 = \tfrac{4}{12} , \quad \rho_2 = \tfrac{1}{1.1} . $$
#
# An average is largest when all the weight lies on the larger number. **The best direction is the axis with the largest share of signal**, here the quiet one.

# %% [markdown]
# Does a computer that sees only pairs, and knows nothing of the formula, find the same? Setting the derivative of $\rho(w)$ to zero gives $C_+ w = \rho\, C w$, which `scipy.linalg.eigh` solves; its solutions come in ascending order of $\rho$, so we take the last.


# %%
def keep_one_direction(v, v_prime):
    n = len(v)
    C = (v.T @ v + v_prime.T @ v_prime) / (2 * n)
    C_plus = (v.T @ v_prime + v_prime.T @ v) / (2 * n)
    correlations, directions = scipy.linalg.eigh(C_plus, C)
    w = directions[:, -1]
    return correlations[-1], w / np.linalg.norm(w)


def angle(a, b):
    return np.degrees(np.arccos(min(1, abs(a @ b))))


# %%
wide, quiet = np.eye(2)
v, v_prime = two_views(noise, ch.pick(fast=50_000, toy=200_000))
rho, w = keep_one_direction(v, v_prime)
ch.measure("shared-direction", correlation=abs(rho - 1 / 1.1), angle=angle(w, quiet))

# %% [markdown]
# This is a **claim**: a sentence, what was measured for it a moment ago (bold), and the bounds that it must meet (grey). The bold numbers come from your machine; they are never typed in.
#
# **What you saw.** Two views keep what they share. How much a thing varies does not decide; how much it varies *compared with what a second look changes* does.

# %% [markdown]
# ## 3 · Now move it with your own hand
#
# Drag `noise 1`, which is $\sigma_1^2$, down from 8 and watch the bars. As long as axis 1 has the smaller share of signal, its width does not help it. When the bars change places, the kept direction jumps. Then raise `noise 2`: when does PCA change its mind? (Both lines are drawn from the formulas.)
#
# *Guess first:* with $\sigma_2^2 = 0.1$, at which $\sigma_1^2$ will it jump?

# %%
draws = rng.normal(size=(3, 400, 2))
noise_1 = cb.log_slider(8, 0.05, 20)
noise_2 = cb.log_slider(0.1, 0.05, 20)
cb.explore(ch.figures.tug_of_war, signal, draws, noise_1=noise_1, noise_2=noise_2)

# %% [markdown]
# The shares are equal when $\sigma_1^2 / s_1^2 = \sigma_2^2 / s_2^2$: for $\sigma_2^2 = 0.1$ that is $\sigma_1^2 = 0.4$. Does the computer, which sees only pairs, change its mind in the same place? We ask it for $\sigma_2^2 = 0.5$, where the rule says 2: a little below, at $\sigma_1^2 = 1.7$, and a little above, at 2.3.

# %%
_, w_before = keep_one_direction(*two_views(np.array([1.7, 0.5]), 200_000))
_, w_after = keep_one_direction(*two_views(np.array([2.3, 0.5]), 200_000))
ch.measure("switch", before=angle(w_before, wide), after=angle(w_after, wide))

# %% [markdown]
# Is this not simply principal component analysis (PCA)? No. PCA keeps the direction with the largest variance, and one view is enough for it. A **control** is a run without the ingredient that you credit: here the second view is taken away. If the quiet axis were still kept, the second view would not be the cause.

# %%
_, components = np.linalg.eigh(v.T @ v)
ch.measure("not-variance", angle=angle(w, components[:, -1]))

# %% [markdown]
# **What you saw.** From the same points, PCA keeps one axis and two views keep the other. (At this noise: below $\sigma_1^2 = 0.4$ they agree.)
#
# > **Check yourself.** You take two photographs of each dish with a camera whose colours drift from shot to shot. What will be forgotten, and on which comparison does it depend?
#
# For deep networks and losses named SimCLR, VICReg or DINO this is not a theorem, but it is the right first guess, and the book measures how far it carries. [Two views](../1_recipes/01_two_views/two_views.ipynb) goes on from here with digits and photographs; [Spectral embedding](../2_spectral/01_spectral_embedding/spectral_embedding.ipynb) solves the losses by hand.

# %% [markdown]
# ## Summary
#
# - A view is a second look at the same thing. To learn without labels is to agree with it, without saying the same of everything.
# - Two views rank directions by their share of signal, $\rho_i = s_i^2 / (s_i^2 + \sigma_i^2)$; the largest is kept first.
# - Variance alone does not decide, which is why this is not PCA.
# - So the choice of views is the choice of what is learned, and of what is forgotten.
# - Every claim with a tick is measured in front of you, and stops the page when it misses its bound. Here they are together:

# %%
ch.report()

# %% [markdown]
# ## How to use the book
#
# | | |
# |---|---|
# | **Read** | The *lesson* of a chapter takes about an hour: questions, one theorem, one experiment. |
# | **Run** | *Run ▸ Run All Cells*. A lesson takes about a minute on a laptop and needs no network. |
# | **Drag** | Once the page has run, sliders follow the mouse and the arrow keys. |
# | **Break** | Change a number, an augmentation, a loss. The claims say at once what you broke. |
# | **Solve** | Exercises have a level, minutes, a hint behind a fold, and a cell for you. Solutions are a notebook of their own. |
# | **Go on** | The *lab* has further theorems, controls and sliders, for those who want more. |
# | **Scale** | `scale = "paper"` in the folded first cell takes the real data set to a GPU, where the chapter offers it. |
#
# Code that a page needs and you do not is folded: click its three dots to read it. [Notation](../notation.md) lists the symbols that chapters share.

# %% [markdown]
# ## The map

# %%
cb.contents()

# %% [markdown]
# ## Your own edits
#
# Edit any page in JupyterLab; a script with the same cells (`.py`, beside the notebook) follows by itself, and it is the script that rules. Should another program, such as VS Code or Colab, edit the notebook alone, JupyterLab will not open it over the older script but shows the difference, and `cookbook build` stops; nothing is lost. To keep such an edit, run `jupytext --to py:percent` on the notebook.

# %% [markdown]
# ## References
#
# - R. Balestriero, M. Ibrahim, V. Sobal, A. Morcos, S. Shekhar, T. Goldstein, F. Bordes, A. Bardes, G. Mialon, Y. Tian, A. Schwarzschild, A. G. Wilson, J. Geiping, Q. Garrido, P. Fernandez, A. Bar, H. Pirsiavash, Y. LeCun, M. Goldblum. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023.
# - H. Hotelling. Relations between two sets of variates. *Biometrika*, 1936: the correlation that is made largest here.

# %%
ch.footer()
