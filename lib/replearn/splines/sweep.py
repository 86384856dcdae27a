"""The sweep of a partition: all regions go through the network together, and each layer cuts them."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from replearn.splines.compiling import Activation, AddSkip, Affine, MaxPool, Op, SaveSkip
from replearn.splines.split import NOISE, TINY, Pieces, argmax_cells, balance_of, join, split_batch

SMALL_BATCH = 512


@dataclass(frozen=True)
class State:
    """A batch of regions.

    Vertices V (R, K, 2) with counts n (R,), affine maps A (R, 3, *shape) with rows d/du, d/dv and the value at the
    origin, the maps remembered by open skip connections, and the patterns (R, U) so far.
    """

    V: Tensor
    n: Tensor
    A: Tensor
    skips: tuple[Tensor, ...]
    patterns: Tensor

    def __len__(self) -> int:
        return len(self.n)

    def inherit(self, pieces: Pieces) -> "State":
        """The state of the pieces: each has its own polygon and what its parent knew."""
        rows = pieces.parent
        return State(pieces.P, pieces.n, self.A[rows], tuple(s[rows] for s in self.skips), self.patterns[rows])

    def chunks(self, size: int) -> list["State"]:
        """Cut the batch into batches of at most ``size`` regions."""
        return [
            self.inherit(Pieces(self.V[rows], self.n[rows], rows))
            for rows in torch.arange(len(self), device=self.n.device).split(size)
        ]


class Signs(NamedTuple):
    """The signs (R, w) of a layer's units on a batch of regions, and which units have still to cut.

    A sign once found is kept: in a sliver, rounding could turn it if it were computed again.
    """

    positive: Tensor
    open: Tensor

    def pick(self, rows: Tensor) -> "Signs":
        """The signs of these regions."""
        return Signs(self.positive[rows], self.open[rows])


class Lines(NamedTuple):
    """The units of a layer on a batch of regions.

    Their values (R, K, w) at the vertices, the largest of them in each region (R, 1), their balance and signs (R, w).
    """

    values: Tensor
    scale: Tensor
    balance: Tensor
    signs: Signs

    def pick(self, rows: Tensor) -> "Lines":
        """The lines of these regions."""
        return Lines(self.values[rows], self.scale[rows], self.balance[rows], self.signs.pick(rows))


@dataclass(frozen=True)
class Sweep:
    """The settings of one partition, and the count of the numbers it has worked on."""

    rtol: float
    cap: int
    chunk: int
    max_regions: int | None
    with_patterns: bool
    work: Counter = field(default_factory=Counter)

    def run(self, ops: list[Op], state: State) -> list[State]:
        """Carry one batch through all operations, depth first: only one chunk of regions a layer is alive."""
        stack, done, count = [(0, state)], [], 0
        while stack:
            i, state = stack.pop()
            while i < len(ops) and len(state) <= self.chunk:
                state = self.step(ops[i], state)
                i += 1
                self._check_count(count + len(state) + sum(len(waiting) for _, waiting in stack))
            if i == len(ops):
                done.append(state)
                count += len(state)
            else:
                stack.extend((i, part) for part in state.chunks(self.chunk))
        return done

    def _check_count(self, count: int) -> None:
        if self.max_regions is not None and count > self.max_regions:
            raise RuntimeError(f"the partition has at least {count} regions, more than max_regions={self.max_regions}")

    def step(self, op: Op, state: State) -> State:
        """Carry one batch through one operation."""
        if isinstance(op, SaveSkip):
            return State(state.V, state.n, state.A, (*state.skips, state.A), state.patterns)
        if isinstance(op, AddSkip):
            skip = state.skips[-1]
            for part in op.shortcut:
                skip = self.affine(part, skip)
            return State(state.V, state.n, state.A + skip, state.skips[:-1], state.patterns)
        if isinstance(op, Affine):
            return State(state.V, state.n, self.affine(op, state.A), state.skips, state.patterns)
        pieces, pattern = self.refine(op, state) if isinstance(op, Activation) else self.refine_max(op, state)
        child = state.inherit(pieces)
        patterns = torch.cat([child.patterns, pattern.flatten(1)], 1) if self.with_patterns else child.patterns
        return State(child.V, child.n, op.select(child.A, pattern), child.skips, patterns)

    def affine(self, op: Affine, A: Tensor) -> Tensor:
        """Apply an affine module to the maps of a batch."""
        out = op(A)
        products = op.module.weight[0].numel() if isinstance(op.module, nn.Linear | nn.Conv2d) else 1
        self.work["affine"] += out.numel() * products
        return out

    def values(self, V: Tensor, A: Tensor) -> Tensor:
        """The values (R, K, w) of the maps at the vertices of their regions."""
        A = A.flatten(2)
        self.work["evaluate"] += 2 * V.shape[1] * A[:, 0].numel()
        return torch.baddbmm(A[:, 2:], V, A[:, :2])

    def refine(self, op: Activation, state: State) -> tuple[Pieces, Tensor]:
        """Cut regions along the zero lines of all units: the pieces and their patterns (R', *shape)."""
        units = state.A[:, 0].flatten(1).shape
        no_sign = torch.zeros(units, dtype=torch.bool, device=state.n.device)
        waiting, finished = [(Pieces.whole(state.V, state.n), Signs(no_sign, ~no_sign))], []
        while waiting:
            pieces, signs = waiting.pop()
            lines = self.lines(pieces, signs, state.A)
            cuts = lines.signs.open.sum(1)
            finished.append((pieces.pick(cuts == 0), lines.signs.pick(cuts == 0)))
            for rows, m in buckets(cuts, self.cap):
                children = self.cut_by(lines.pick(rows), pieces.pick(rows), m)
                if cuts[rows[0]] <= self.cap:
                    finished.append(children)
                else:
                    waiting.append(children)
        patterns = torch.cat([signs.positive for _, signs in finished])
        return join([pieces for pieces, _ in finished]), patterns.unflatten(1, state.A.shape[2:])

    def lines(self, pieces: Pieces, signs: Signs, A: Tensor) -> Lines:
        """Evaluate all units on the pieces; those that do not cut find their sign."""
        values = self.values(pieces.P, A[pieces.parent])
        high, low = values.amax(1), values.amin(1)
        largest = torch.maximum(high, -low)
        scale = largest.amax(1, keepdim=True).clamp(min=TINY)
        tol = torch.maximum(self.rtol * largest, NOISE * scale)
        balance = balance_of(high, low, tol).masked_fill_(~signs.open, -1)
        positive = torch.where(signs.open, high + low > 0, signs.positive)
        return Lines(values, scale, balance, Signs(positive, balance > 0))

    def cut_by(self, lines: Lines, pieces: Pieces, m: int) -> tuple[Pieces, Signs]:
        """Cut each polygon by the m most balanced of its lines, and tell the signs of its children."""
        best, k = lines.balance.topk(min(m, lines.balance.shape[1]))
        values = lines.values.gather(2, k[:, None].expand(-1, lines.values.shape[1], -1)) / lines.scale[:, None]
        values.masked_fill_(best[:, None] <= 0, 0)
        cut = split_batch(torch.cat([pieces.P, values], 2), pieces.n, self.rtol, self.work)
        V, values = cut.P[:, :, :2], cut.P[:, :, 2:]
        side, k, signs = values.amax(1) + values.amin(1), k[cut.parent], lines.signs.pick(cut.parent)
        positive = torch.where(side == 0, signs.positive.gather(1, k), side > 0)
        signs = Signs(signs.positive.scatter(1, k, positive), signs.open.scatter(1, k, False))
        return Pieces(V, cut.n, pieces.parent[cut.parent]), signs

    def refine_max(self, op: MaxPool, state: State) -> tuple[Pieces, Tensor]:
        """Cut regions until each window has one winner: the pieces and their patterns (R', C, H', W', size)."""
        waiting, finished, patterns = [Pieces.whole(state.V, state.n)], [], []
        while waiting:
            pieces = waiting.pop()
            H = op.windows(self.values(pieces.P, state.A[pieces.parent]).unflatten(2, state.A.shape[2:]))
            shape, H = H.shape[2:], H.flatten(2, -2)
            slack = (H - H.amax(-1, keepdim=True)).amin(1)
            best, winner = slack.max(-1)
            contested = best < -torch.maximum(-self.rtol * slack.amin(-1), NOISE * H.abs().amax((1, 3)))
            clear = ~contested.any(1)
            finished.append(pieces.pick(clear))
            patterns.append(nn.functional.one_hot(winner[clear], shape[-1]).bool().unflatten(1, shape[:-1]))
            if not clear.all():
                rows = (~clear).nonzero()[:, 0]
                rivals = H[rows, :, contested[rows].int().argmax(1)]
                cells, _ = argmax_cells(pieces.P[rows], pieces.n[rows], rivals, self.rtol, self.work)
                waiting.append(Pieces(cells.P[:, :, :2], cells.n, pieces.parent[rows][cells.parent]))
        return join(finished), torch.cat(patterns)


def buckets(cuts: Tensor, cap: int) -> Iterator[tuple[Tensor, int]]:
    """Group the regions by how many units cut them, up to 1, 4, 16, cap; those with more get cap cuts first.

    A small batch stays together: its cost is the number of calls, not that of the numbers.
    """
    steps = [] if len(cuts) < SMALL_BATCH else [4**i for i in range(cap.bit_length()) if 4**i < cap]
    for low, high in itertools.pairwise([0, *steps, cap, None]):
        rows = ((cuts > low) & (cuts <= (cuts if high is None else high))).nonzero()[:, 0]
        if len(rows):
            yield rows, min(int(cuts[rows].max()), cap)
