"""The drawings of the chapter on what VICReg maximizes; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import EllipseCollection

import cookbook as cb
from replearn import splines

MAIN, TRUTH, GREY, WARM = cb.color("vicreg"), cb.color("theory"), cb.color("baseline"), cb.color("nt_xent")
FIVE = ["#0072b2", "#d55e00", "#009e73", "#a3508f", "#e69f00"]
CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 60)), np.sin(np.linspace(0, 2 * np.pi, 60))])


def one_input(network, images, copies, which):
    """Left: a network with one input, and five small clouds on it; right: where their copies come out."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.2), width_ratios=[1.3, 1], layout="constrained", sharey=True)
    x = np.linspace(-3, 3, 400)
    left.plot(x, network(x), color=TRUTH, lw=1.5)
    bins = np.linspace(-1, 2, 121)
    for i, color in enumerate(FIVE):
        around = np.linspace(images[i] - 0.2, images[i] + 0.2, 30)
        left.plot(around, network(around), color=color, lw=6, solid_capstyle="round")
        left.plot(images[i], -1.15, "o", color=color, clip_on=False)
        right.hist(network(copies[which == i]), bins, density=True, color=color, orientation="horizontal", alpha=0.75)
    left.set(xlabel="input", ylabel="output z", ylim=(-1.2, 2), title="Five images, each with its copies")
    right.set(xticks=[], xlabel="how often", title="What comes out")
    plt.show()


def rulers(bins, about_input, about_image):
    """The information about the input and about the image, against the number of bins of the ruler."""
    _, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
    ax.plot(bins, about_input, "o-", color=WARM)
    ax.plot(bins, about_image, "o-", color=MAIN)
    ax.axhline(np.log(5), color=GREY, ls="--", lw=1)
    ax.text(1024, np.log(5) + 0.12, "log 5", color=GREY, ha="right")
    ax.text(150, about_input[5] + 0.5, "about the input", color=WARM, ha="right")
    ax.text(150, about_image[5] - 0.65, "about which image", color=MAIN, ha="right")
    ax.set(xscale="log", xticks=bins, xticklabels=bins, xlabel="bins of the ruler", ylabel="information, nats")
    ax.set(ylim=(0, 7), title="One information has no end")
    ax.minorticks_off()
    plt.show()


def ellipses(net, centre, clouds, rejected, image):
    """One image's clouds behind the network, two outputs of 64, and the ellipses of one and two deviations of (1)."""
    net = net.double()
    with torch.no_grad():
        A = splines.region_affine(net, centre[None])[0][0, :2]
        middle = net(centre[None])[0, :2].numpy()
    _, axes = plt.subplots(1, len(clouds), figsize=(9, 3.1), layout="constrained")
    for ax, (sigma, found) in zip(axes, clouds.items(), strict=True):
        _cloud(ax, found[0].z[image, :, :2].numpy(), middle, sigma * torch.linalg.cholesky(A @ A.T).numpy())
        ax.set_title(f"σ = {sigma:g}: {rejected[sigma].mean():.0%} rejected")
    plt.show()


def _cloud(ax, z, middle, root):
    ax.plot(*z.T, "o", ms=2.5, color=MAIN, alpha=0.5, mew=0)
    for k in (1, 2):
        ax.plot(*(middle[:, None] + k * root @ CIRCLE), color=TRUTH, lw=1.5)
    reach = 1.2 * max(np.abs(z - middle).max(), 2 * np.linalg.norm(root, axis=1).max()) * np.array([-1, 1])
    ax.set(xlim=middle[0] + reach, ylim=middle[1] + reach, xlabel="output 1", ylabel="output 2")
    ax.locator_params(nbins=3)


def guesses(radii, gap):
    """What the guess around the partner loses for each dimension, against its standard deviation r."""
    _, ax = plt.subplots(figsize=(7.2, 3), layout="constrained")
    best = int(np.argmin(gap))
    ax.plot(radii, gap, color=MAIN)
    ax.plot(radii[best], gap[best], "o", color=MAIN, ms=9)
    ax.text(radii[best], gap[best] + 0.09, f"r = {radii[best]:.2f}, {gap[best]:.2f} nats", color=MAIN, ha="center")
    ax.axvline(1, color=GREY, ls="--", lw=1)
    ax.text(1.02, 1.0, "size of a cloud", color=GREY)
    ax.set(ylim=(0, 1.15), xlabel="r, standard deviation of the guess", ylabel="nats lost a dimension")
    ax.set_title("The best guess is wider than the cloud")
    plt.show()


def chain(fig, layouts, spreads, truth, J, spread=8, images=30):
    """Clouds in the plane, and the information, its lower bound and J against how far their centres spread."""
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.5])
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.15, top=0.89, wspace=0.16)
    centres = spread * layouts[images].numpy()
    reach = 3 * spread + 4
    sizes = np.full(len(centres), 4.0)
    clouds = EllipseCollection(
        sizes, sizes, 0 * sizes, units="x", offsets=centres, transOffset=left.transData, facecolor=MAIN, alpha=0.25
    )
    left.add_collection(clouds)
    left.plot(*centres.T, "o", ms=2, color=TRUTH)
    left.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    left.set_axis_off()
    left.set_title(f"{images} clouds, spread {spread}")
    right.axhline(np.log(images), color=GREY, ls="--", lw=1)
    right.text(0.3, np.log(images) + 0.05, f"log {images}", color=GREY, va="bottom")
    now = int(np.argmin(np.abs(spreads - spread)))
    lower, x = truth[images] - np.log(2), spreads[now]
    right.plot(spreads, truth[images], color=TRUTH)
    right.plot(spreads, lower, color=GREY)
    right.plot(spreads, J[images], color=MAIN)
    right.scatter([x] * 3, [truth[images][now], lower[now], J[images][now]], s=80, c=[TRUTH, GREY, MAIN], zorder=3)
    right.text(29.8, J[images][-1] + 0.1, "J", color=MAIN, ha="right", va="bottom", weight="bold")
    right.text(29.8, truth[images][-1] - 0.12, "information", color=TRUTH, ha="right", va="top")
    right.text(29.8, lower[-1] - 0.12, "lower bound", color=GREY, ha="right", va="top")
    right.set(
        xlim=(0, 30.5), ylim=(-1, 7), xlabel="spread of the centres, in standard deviations of a cloud", ylabel="nats"
    )
    right.set_title(f"information {truth[images][now]:.1f}, lower bound {lower[now]:.1f}, J {J[images][now]:.1f}")


def credits(I_G, images):
    """What the second moments of each network's views are credited with, beside what there can be."""
    _, ax = plt.subplots(figsize=(7.2, 2.8), layout="constrained")
    for i, (name, values) in enumerate(I_G.items()):
        ax.barh(i, values.mean(), color=MAIN if name == "VICReg" else GREY)
        ax.plot(values, np.full(len(values), i), "o", color=TRUTH, ms=4)
        ax.text(0.25, i, f"{values.mean():.1f}", va="center", color="white", weight="bold")
    ceiling = np.log(images)
    ax.axvline(ceiling, color=WARM, lw=1.5)
    ax.text(ceiling + 0.2, 3.42, f"all there can be: log {images} = {ceiling:.1f}", color=WARM, va="bottom")
    ax.set(yticks=range(len(I_G)), yticklabels=list(I_G), xlim=(0, 1.15 * max(map(np.max, I_G.values()))))
    ax.set(ylim=(3.5, -0.5), xlabel=r"$I_G$, nats")
    ax.set_title("Credited with more than there is", pad=20)
    plt.show()


def regions(sigmas, rejected, inside):
    """The share of outputs that are not Gaussian, and of copies in the centre's region, against the noise."""
    _, ax = plt.subplots(figsize=(7.2, 3.3), layout="constrained")
    ax.semilogx(sigmas, rejected, color=MAIN, lw=1.4, marker="o", ms=4)
    ax.semilogx(sigmas, inside, color=GREY, lw=1.4, marker="o", ms=4)
    ax.axhline(0.01, color=GREY, ls=":", lw=1)
    ax.text(0.12, 0.5, "outputs\nrejected", color=MAIN, ha="right")
    ax.text(0.0032, 0.6, "copies in the\ncentre's region", color=GREY)
    ax.set(xticks=sigmas, xticklabels=[f"{s:g}" for s in sigmas], ylim=(-0.03, 1.03))
    ax.set(xlabel="noise σ (pixels in [0, 1])", ylabel="share", title="Still Gaussian outside the region")
    ax.minorticks_off()
    plt.show()


def cloud(fig, net, centres, slopes, noise, sigmas, rejected, sigma, image):
    """The cloud of one image behind the network with the ellipses of (1), and the share of outputs rejected."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.16, top=0.88, wspace=0.3)
    image = ["first", "second", "third"].index(image)
    z = net(centres[image] + sigma * noise[image])[:, :2].numpy()
    root = sigma * torch.linalg.cholesky(slopes[image] @ slopes[image].T).numpy()
    _cloud(left, z, net(centres[image : image + 1])[0, :2].numpy(), root)
    left.set_title("512 copies of one image")
    now = np.interp(np.log10(sigma), np.log10(sigmas), rejected)
    right.plot(np.log10(sigmas), rejected, color=MAIN)
    right.plot(np.log10(sigma), now, "o", ms=10, color=MAIN)
    right.set(xticks=[-3, -2, -1, 0], xticklabels=["0.001", "0.01", "0.1", "1"], ylim=(-0.03, 1.03))
    right.set(xlabel="noise σ", title=f"{now:.0%} of outputs rejected")


def overlap(fig, nearest, radii, grid, curves, sigma, images):
    """Two ways to judge whether clouds meet: the distances with the rule's line, and the draws nearer another image."""
    nearest, table = nearest[images], np.array(curves[images])
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.03, right=0.97, bottom=0.16, top=0.87, wspace=0.22)
    counts, edges = np.histogram(nearest, 40)
    left.stairs(counts, edges, fill=True, color=GREY)
    rule = 2 * sigma * radii[images]
    top = 1.2 * edges[-1]
    left.axvline(min(rule, top), color=WARM, lw=2)
    left.set(xlim=(0, top), yticks=[], xlabel="distance to the nearest image")
    left.set_title(f"rule: {np.mean(nearest < rule):.0%} meet another")
    now = np.interp(np.log(sigma), np.log(grid), table[:, 0])
    lost = np.interp(np.log(sigma), np.log(grid), table[:, 1])
    right.plot(np.log10(grid), table[:, 0], color=MAIN)
    right.plot(np.log10(sigma), now, "o", ms=10, color=MAIN)
    right.set(xticks=[-2, -1, 0], xticklabels=["0.01", "0.1", "1"], ylim=(-0.03, 1.03), xlabel="noise σ")
    right.text(-2.5, 0.9, f"{lost:.2f} nats lost", color=MAIN)
    right.set_title(f"{now:.1%} of draws nearer another")


def guess(fig, pair, noise=0.5, r=1.0):
    """Information, bound and gap of a Gaussian pair for one guess, and the bound against the guess's size."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.16, top=0.88, wspace=0.2)
    found = pair(noise, r)
    bars = left.barh(["shared", "bound", "gap"], np.clip(found, -14, 20), color=[TRUTH, MAIN, WARM])
    left.bar_label(bars, [f"{v:.2f}" for v in found], padding=4)
    left.set(xlim=(-24, 28), xlabel="nats (bars end at −14 and 20)", title="shared = bound + gap")
    radii = np.geomspace(0.05, 3, 40)
    guesses = [-4 * np.log(2 * np.pi * x**2) - 8 * noise**2 / x**2 for x in (radii, r)]
    right.plot(radii, found.bound + guesses[0] - guesses[1], color=MAIN)
    right.axhline(found.information, color=TRUTH, lw=1)
    right.axvline(np.sqrt(2) * noise, color=GREY, ls=":", lw=1)
    right.plot(r, found.bound, "o", ms=10, color=MAIN)
    right.set(xlim=(0, 3.1), ylim=(-14, 22), xlabel="r", title="the bound, under what is shared")


def training(curves):
    """The Gaussian entropy of the embedding during training, as it is and at variance 1."""
    _, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained", sharey=True)
    colors = {"VICReg": MAIN, "no covariance": WARM, "invariance alone": GREY}
    for column, (ax, title) in enumerate(zip(axes, ("As it is", "Every dimension at variance 1"), strict=True)):
        for name, color in colors.items():
            for steps, *values in curves[name]:
                ax.plot(steps, values[column], color=color, lw=1.5)
        ax.axhline(-351.3, color=GREY, ls=":", lw=1)
        ax.set(xlabel="step", title=title, ylim=(-370, 120))
    axes[0].set_ylabel(r"$H_G$, nats")
    for y, (name, color) in zip((90, 62, 34), colors.items(), strict=True):
        axes[0].text(0, y, name, color=color)
    plt.show()


def penalty(fig, correlation):
    """The entropy that one correlation costs, and half of what VICReg charges for it."""
    ax, levels = fig.subplots(), np.linspace(0, 0.98, 100)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.17, top=0.97)
    prices = {
        "missing entropy": (1.5, TRUTH, lambda rho: -np.log(1 - rho**2) / 2),
        "half of VICReg's price": (1.3, MAIN, lambda rho: rho**2 / 2),
    }
    for name, (height, color, price) in prices.items():
        ax.plot(levels, price(levels), color=color)
        ax.plot(correlation, price(correlation), "o", ms=9, color=color)
        ax.text(0.02, height, f"{name} {price(correlation):.3f}", color=color)
    ax.set(xlabel="correlation ρ", ylabel="nats", xlim=(0, 1), ylim=(-0.03, 1.7), yticks=[0, 0.5, 1, 1.5])
