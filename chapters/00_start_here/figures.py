"""The drawings of the start page; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

import cookbook as cb

SHOWN = 60


def pairs(v, v_prime):
    """Sixty inputs, two views of each, joined by a line."""
    _, ax = plt.subplots(figsize=(7.2, 3.7), layout="constrained")
    _draw_pairs(ax, v, v_prime)
    ax.set_title("Sixty things, two views of each, joined by a line")
    plt.show()


def tug_of_war(fig, signal, draws, noise_1, noise_2):
    """The views at two amounts of noise, the direction that they keep, and the share of signal of each axis."""
    noise = np.array([noise_1, noise_2])
    x, *both = draws
    v, v_prime = (x * np.sqrt(signal) + e * np.sqrt(noise) for e in both)
    share = signal / (signal + noise)
    left, right = fig.subplots(1, 2, width_ratios=[2.2, 1])
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.16, top=0.88, wspace=0.25)
    _draw_pairs(left, v, v_prime)
    _arrow(left, np.argmax(signal + noise), 8.4, 8, "pca", "widest: PCA", above=False)
    _arrow(left, np.argmax(share), 8, 3.5, "vicreg", "kept by two views", above=True)
    left.set_title("Which direction is kept?")
    bars = right.bar(["1", "2"], share, color=cb.color("baseline"), width=0.6)
    bars[np.argmax(share)].set_color(cb.color("vicreg"))
    right.set(ylim=(0, 1.12), xlabel="axis", title="share of signal")
    for place, value in enumerate(share):
        right.text(place, value + 0.03, f"{value:.2f}", ha="center")


def _draw_pairs(ax, v, v_prime):
    v, v_prime = v[:SHOWN], v_prime[:SHOWN]
    ax.add_collection(LineCollection(np.stack([v, v_prime], axis=1), colors=cb.color("baseline"), linewidths=0.9))
    ax.scatter(*np.concatenate([v, v_prime]).T, s=10, color="#22262b", linewidths=0, zorder=3)
    ax.set(xlim=(-9, 9), ylim=(-4.6, 4.6), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")


def _arrow(ax, axis, length, width, method, name, *, above):
    tip = np.eye(2)[axis] * min(length, 4.2 if axis else length)
    ax.plot(*np.stack([-tip, tip]).T, lw=width, color=cb.color(method), alpha=0.6, solid_capstyle="round")
    ax.text(8.8, 3.8 if above else -4.3, name, color=cb.color(method), weight="bold", ha="right")
