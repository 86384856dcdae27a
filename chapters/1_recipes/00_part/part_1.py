# %% [markdown]
# # Part 1: how self-supervised learning is cooked
#
# Give a network two distorted copies of a picture and ask it to say the same of both. Done without care, it learns to say the same of *everything*.
#
# On this page you watch that happen. Then you train ten methods, each with its own cure, on the same pictures in about a minute, and you leave knowing which chapter takes which of them apart.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from statistics import mean

import torch
from ipywidgets import SelectionSlider
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation, losses, methods, recipes, training

ch = cb.Chapter("part_1", scale=scale, seed=seed)

# %%
digits = recipes.tiny_mnist()
images = digits.x_train
draws = torch.Generator().manual_seed(ch.seed)
one_view = recipes.tiny_crop(images[:10], draws)
other_view = recipes.tiny_crop(images[:10], draws)
ch.figures.pairs(images[:10], one_view, other_view)

# %% [markdown]
# *Look down a column.* On top stands a digit of 14 × 14 pixels, below it two **views**: random crops, turned by up to 15°. That the two views show the same thing is all that nine of the ten methods on this page are ever told.

# %% [markdown]
# ## 1 · What goes wrong without a cure?
#
# An **encoder** $f$ turns a view $v$ into 128 numbers $f(v)$, the *representation*. That is what we want in the end. A second small network behind it, the **projector**, turns them into $K = 64$ numbers, the *embedding* $z$. The loss sees
# only $z$, and after training the projector is thrown away.
#
# Let $z_i$ and $z_i'$ be the embeddings of the two views of image $i$, in a batch of $N$ images. To make them agree, make their mean squared distance small:
#
# $$ \mathcal{L}_{\mathrm{inv}} = \frac{1}{N K} \sum_{i=1}^{N} \lVert z_i - z_i' \rVert^2 . $$
#
# *Guess first:* how small can this become, and what will the network then say of a digit?

# %% [markdown]
# Training is a loop, the same for all methods of the book: draw images, let the `method` make views and a loss of them, take a step. Here is the whole of it. The learning rate rises for 20 steps, then falls along half a cosine. (One method, SimSiam, asks for a larger
# rate in a part of its network.)

# %%
steps = ch.pick(fast=60, toy=200)
batch_size = ch.pick(fast=96, toy=128)


def set_rate(optimizer, step):
    rate = training.warmup_cosine(step, steps, warmup=20, base=0.005)
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1)


# %%
def train(method, watch):
    draws = torch.Generator().manual_seed(ch.seed)
    optimizer = torch.optim.AdamW(method.param_groups(weight_decay=1e-4))
    for step in range(steps):
        set_rate(optimizer, step)
        batch = torch.randint(len(images), (batch_size,), generator=draws)
        views = method.views(images, batch, draws)
        method.step(views)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
        method.after_step()
        watch(step + 1)


# %% [markdown]
# The last line lets us look on. What do we look at? At what an encoder is worth to somebody with few labels. The **low-shot probe** freezes the encoder and fits a linear map (ridge regression) from $f(x)$ to the digit, on as few as 100 labeled images. Its score is the
# accuracy on 2,000 new digits, averaged over as many separate sets of labels as 2,000 images yield.

# %%
budgets = [100, 200, 400, 800, 1600]
milestones = ch.pick(fast=[60], toy=[10, 20, 40, 80, 120, 200])
scores = {}


def accuracies(encoder):
    known = training.features(encoder, images[:2000])
    new = training.features(encoder, digits.x_test)
    probe = partial(evaluation.low_shot_probe, known, digits.y_train[:2000], new, digits.y_test)
    return [probe(n_labels=n, repeats=2000 // n) for n in budgets]


def look(name, encoder, step):
    if step in [0, *milestones]:
        scores[name, step] = accuracies(encoder)


# %% [markdown]
# Now train for agreement alone. `JointEmbedding` is the plainest of methods: encode and project both views, then hand $z$ and $z'$ to a loss. Here the loss is $\mathcal{L}_{\mathrm{inv}}$, which PyTorch calls `mse_loss`.

# %%
untrained = recipes.untrained(images, seed=ch.seed)
collapsed, projector = recipes.tiny_encoder(seed=ch.seed)
agreement = methods.JointEmbedding(collapsed, projector, F.mse_loss, recipes.tiny_crop)
before = projector(training.features(untrained, digits.x_test)).detach()
train(agreement, watch=partial(look, "agreement alone", collapsed))
after = projector(training.features(collapsed, digits.x_test)).detach()
ch.measure("collapse", spread=(after.std(0).mean() / before.std(0).mean()).item())
ch.figures.collapse(before, after, digits.y_test)

# %% [markdown]
# **What you saw.** Before training, different digits had different embeddings. After it, all of them stand nearly in one point, on the same scale. This is **collapse**, and nothing went wrong in the arithmetic: $\mathcal{L}_{\mathrm{inv}} = 0$ whenever $z$ is constant, so the loop has found what it was told to find.
#
# > **Check yourself.** Would it help to scale every $z$ to length 1 first?

# %% [markdown]
# Does this loop stand for the book's? `training.pretrain`, which the other chapters call, adds a progress bar, checkpoints, and GPUs. What it learns should be the same:

# %%
twin, twin_projector = recipes.tiny_encoder(seed=ch.seed)
same = methods.JointEmbedding(twin, twin_projector, F.mse_loss, recipes.tiny_crop)
training.pretrain(same, images, steps=steps, batch_size=batch_size, lr=0.005, warmup=20, seed=ch.seed)
ours = nn.utils.parameters_to_vector(agreement.parameters())
theirs = nn.utils.parameters_to_vector(same.parameters())
ch.measure("same-loop", distance=(ours - theirs).abs().max().item())

# %% [markdown]
# ## 2 · Which cures are there?
#
# The families of this part differ in what they do against collapse:
#
# | family | methods here | cure | taken apart in |
# |---|---|---|---|
# | contrastive | SimCLR, NNCLR | also pushes different images apart | [Contrastive learning](../02_contrastive/contrastive.ipynb) |
# | canonical correlation | VICReg, Barlow Twins, W-MSE | keeps each dimension of $z$ spread out, and any two from repeating each other | [The canonical-correlation family](../04_canonical_correlation/canonical_correlation.ipynb) |
# | clustering | SwAV | spreads each batch evenly over a set of prototypes | the same chapter |
# | self-distillation | BYOL, SimSiam, DINO | predicts an answer through which no gradient flows | [Self-distillation](../03_self_distillation/self_distillation.ipynb) |
# | masked modelling | context encoder | hides parts of the picture and predicts their pixels, which no constant can | [Masked modelling](../05_masked_modeling/masked_modeling.ipynb) |
#
# The last one does without pairs. In the fourth row the gradient is half of the cure: BYOL and SimSiam also need a small network that makes the prediction, and DINO has to balance the answers.
#
# As an example, the cure of VICReg. Its first term is the loss of section 1; the others are what it adds:

# %%
cb.show_source(losses.vicreg)

# %% [markdown]
# ## 3 · Do the cures work?
#
# Ten methods now get the same start, the same loop, the same number of steps. The context encoder sees whole upright digits, a quarter of whose 2 × 2 patches is hidden; the nine others see two views.
#
# *Guess first:* how many of the ten will beat the random start? And the raw pixels, from which the probe can read a good deal by itself?

# %%
look("untrained", untrained, 0)
look("pixels", nn.Flatten(), 0)
encoders = {}
for name in [*methods.TWO_VIEWS, "context_encoder"]:
    encoder, _ = recipes.tiny_encoder(seed=ch.seed)
    augment = None if name == "context_encoder" else recipes.tiny_crop
    method = methods.method(name, encoder, augment, shape=images.shape[1:], ratio=0.25, seed=ch.seed)
    train(method, watch=partial(look, name, encoder))
    encoders[name] = encoder

# %%
with_100 = {name: scores[name, steps][0] for name in encoders}
start = scores["untrained", 0][0]
pixels = scores["pixels", 0][0]
alone = scores["agreement alone", steps][0]
average = mean(with_100.values())
ch.measure("all-learn", start=min(with_100.values()) - start, pixels=average - pixels)
ch.measure("agreement-lags", lag=average - alone)

# %% [markdown]
# Here they all meet. **Drag `steps`** from 0, where all stand on one line because they *are* one network, to the end. A stroke begins at the random start, so its length is what training has added. Then **drag `labels`**.

# %%
cb.explore(
    ch.figures.race,
    scores,
    budgets,
    steps=SelectionSlider(options=[0, *milestones], value=steps),
    labels=SelectionSlider(options=budgets, value=100),
    figsize=(7.2, 4.3),
)

# %% [markdown]
# **What you saw.** Each of the ten has added to what it started from, and on average they leave the raw pixels behind. Agreement alone (bottom) lags far behind them.
#
# Please do **not** read the figure as a ranking. This is one small network and a few hundred steps at one learning rate, and methods that need patience look worse than they are: a teacher has to get ahead first, and Barlow Twins' cure is weak with so few dimensions. On CIFAR-10, after a
# thousand epochs, the methods with two views end between 88.7 and 92.6 %, in the tables of the library solo-learn.
#
# > **Check yourself.** Which methods are nearly done after 80 steps? And what happens to agreement alone after the tenth?

# %% [markdown]
# ## 4 · Why with so few labels?
#
# This book scores with few labels throughout. *Guess first:* when you give the probe 1,600 labels in place of 100, will the lead of the ten over raw pixels grow or shrink?

# %%
with_1600 = mean(scores[name, steps][-1] for name in encoders)
lead_with_100 = average - pixels
lead_with_1600 = with_1600 - scores["pixels", 0][-1]
ch.measure("few-labels", shrinks=lead_with_100 - lead_with_1600, left=lead_with_1600 / lead_with_100)

# %% [markdown]
# **What you saw.** It shrinks, since labels can teach what views taught. That is the use of all this: pre-training stands in for labels that you do not have. With plenty of them these digits are easy, and differences between methods would drown.

# %% [markdown]
# ## 5 · Are more dimensions better?
#
# Collapse leaves few dimensions in use. So could one choose an encoder *without* any label, by counting them?
#
# Put the representations of all test images in the rows of a matrix. It has singular values $\sigma_1 \ge \sigma_2 \ge \dots$, one for each of its 128 dimensions. Divide them by their sum: the shares $\pi_j = \sigma_j / \sum_i \sigma_i$ add up to 1. Their entropy, turned back into a number, counts the dimensions in use:
#
# $$ \mathrm{RankMe} = \exp \Big( - \sum_j \pi_j \log \pi_j \Big) . $$
#
# If $r$ dimensions share equally, it is $r$.
#
# *Guess first:* how many dimensions does the random start use, which has learned nothing? **Drag `method`** to the end of the list to see.

# %%
shown = {"untrained": untrained, "agreement alone": collapsed, **encoders}
outputs = {name: training.features(encoder, digits.x_test) for name, encoder in shown.items()}
ranks = {name: evaluation.effective_rank(z) for name, z in outputs.items()}
maps = ch.figures.maps(outputs, ranks)
names = SelectionSlider(options=list(maps), value="SimCLR")
cb.explore(ch.figures.look_inside, maps, digits.y_test, method=names, figsize=(7.2, 3.5))

# %% [markdown]
# *On the left*, two directions of an encoder's output (the first two principal components, brought to one size), each digit drawn as itself. *On the right*, the shares $\pi_j$, largest first, on a logarithmic axis, and a line at RankMe.

# %%
of_ten = [ranks[name] for name in encoders]
ch.measure(
    "rank-cuts-both-ways", collapsed=min(of_ten) - ranks["agreement alone"], start=ranks["untrained"] - max(of_ten)
)
ranks["pixels"] = evaluation.effective_rank(digits.x_test.flatten(1))
all_with_100 = {**with_100, "untrained": start, "agreement alone": alone, "pixels": pixels}
ch.figures.dimensions(ranks, all_with_100)

# %% [markdown]
# **What you saw.** The encoder of the collapsed network is at the far left, so few dimensions are a bad sign. But many are no good one: the random start and the pixels are at the far right, and here they read worse than all ten. They have thrown nothing away yet. [Evaluating representations](../07_evaluation/evaluation.ipynb) says where such a count can be trusted.
#
# > **Check yourself.** The embedding $z$ of section 1 had shrunk to a point. Why can its encoder still tell digits apart at all?

# %% [markdown]
# ## 6 · What to read
#
# | your question | chapter |
# |---|---|
# | Two crops, a turn, a colour change: what will the network forget? | [Two views](../01_two_views/two_views.ipynb), to be read first |
# | What does the temperature of SimCLR do, and how many negatives do I need? | [Contrastive learning](../02_contrastive/contrastive.ipynb) |
# | Why does BYOL not collapse, although a constant has loss zero? | [Self-distillation](../03_self_distillation/self_distillation.ipynb) |
# | What does each term of VICReg prevent, and what has it to do with a method of 1936? | [The canonical-correlation family](../04_canonical_correlation/canonical_correlation.ipynb) |
# | How much of a picture should be hidden, and in what shape? | [Masked modelling](../05_masked_modeling/masked_modeling.ipynb) |
# | Which batch size, learning rate, projector, precision? Is my training loop right? | [Training knobs](../06_training_knobs/training_knobs.ipynb) |
# | Which of my encoders is better, and would another protocol say otherwise? | [Evaluating representations](../07_evaluation/evaluation.ipynb) |
#
# In a hurry? Read *Two views*, *Contrastive learning* and *Evaluating representations*. Rather theorems? *The canonical-correlation family* leads into [Part 2](../../2_spectral/00_part/part_2.ipynb), where these losses are solved by hand.

# %% [markdown]
# ## How this differs from the real thing
#
# - The digits are easy, the network is small, and 200 steps are nothing: papers train for hundreds of epochs. What is shown is that all ten *learn*, not how far they get.
# - The steps are equal, the work is not. Methods with two views push twice as many pictures through the encoder as the context encoder does, and a teacher costs a pass of its own.
# - Little was tuned: the share of hidden patches, the temperatures and a teacher's pace suit digits and short runs. The learning rate is one for all.
# - A context encoder stands for masked modelling because it runs on the same network. The methods that people use (MAE, SimMIM, data2vec, I-JEPA) need a vision transformer.
#
# For the real thing there is `cookbook train vicreg --data cifar10`, with a ResNet, on one GPU or many, and `cookbook train mae`.

# %% [markdown]
# ## Summary
#
# - Agreement of two views is all that most methods are told, and a constant agrees perfectly: without a cure, embeddings collapse.
# - The families are the cures: push apart, decorrelate, balance, stop the gradient, predict what was hidden.
# - On one encoder and one loop all ten cures work. Their order here is no ranking.
# - What pre-training is worth shows when labels are few.
# - Few dimensions in use are a warning. Many prove nothing.

# %%
ch.report()

# %% [markdown]
# ## References
#
# - R. Balestriero, M. Ibrahim, V. Sobal, A. Morcos, S. Shekhar, T. Goldstein, F. Bordes, A. Bardes, G. Mialon, Y. Tian, A. Schwarzschild, A. G. Wilson, J. Geiping, Q. Garrido, P. Fernandez, A. Bar, H. Pirsiavash, Y. LeCun, M. Goldblum. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023.
# - T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020. D. Dwibedi et al. [NNCLR](https://arxiv.org/abs/2104.14548), 2021. A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2022. J. Zbontar et al. [Barlow Twins](https://arxiv.org/abs/2103.03230), 2021. A. Ermolov et al. [W-MSE](https://arxiv.org/abs/2007.06346), 2021. M. Caron et al. [SwAV](https://arxiv.org/abs/2006.09882), 2020, and [DINO](https://arxiv.org/abs/2104.14294), 2021. J.-B. Grill et al. [BYOL](https://arxiv.org/abs/2006.07733), 2020. X. Chen, K. He. [SimSiam](https://arxiv.org/abs/2011.10566), 2021. D. Pathak et al. [Context encoders](https://arxiv.org/abs/1604.07379), 2016.
# - Q. Garrido et al. [RankMe](https://arxiv.org/abs/2210.02885), 2023. V. G. Turrisi da Costa et al. [solo-learn](https://github.com/vturrisi/solo-learn), 2022, whose tables are quoted in section 3.

# %%
ch.footer()
