"""Exact partitions: microseconds a region, and the batched algorithm against plain recursive clipping."""

import time

import pytest
import torch

from replearn import data, splines
from replearn.models import mlp
from replearn.papers import splinecam

SQUARE = torch.tensor([[-3, -3], [3, -3], [3, 3], [-3, 3]], dtype=torch.float64)


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trained(widths, steps=400):
    x, y = data.two_moons(400, noise=0.08, seed=0)
    x = (x - x.mean(0)) / x.std(0)
    torch.manual_seed(0)
    net = mlp(widths, bias_std=0.3, dtype=torch.float64)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net


def cpu_seconds(call, repeats):
    """The least processor time of a few calls: other work on the machine does not count."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def test_a_region_of_a_trained_64_64_net_costs_at_most_60_microseconds(benchmark, capsys):
    net = trained([2, 64, 64, 2])
    regions = len(benchmark.pedantic(splines.partition_2d, (net, SQUARE), rounds=5, warmup_rounds=1))
    microseconds = 1e6 * cpu_seconds(lambda: splines.partition_2d(net, SQUARE), 5) / regions
    with capsys.disabled():
        print(f"\n2-64-64-2, trained: {regions} regions, {microseconds:.1f} us a region")
    assert regions >= 2000
    assert microseconds <= 60


@pytest.mark.parametrize("widths", [[2, 32, 32, 32, 2], [2, 64, 64, 2]])
def test_batched_splitting_beats_plain_recursive_clipping(benchmark, capsys, widths):
    net = trained(widths)
    regions = len(benchmark.pedantic(splines.partition_2d, (net, SQUARE), rounds=5, warmup_rounds=1))
    assert len(splinecam.partition_2d_reference(net, SQUARE)) == regions
    batched = cpu_seconds(lambda: splines.partition_2d(net, SQUARE), 5)
    plain = cpu_seconds(lambda: splinecam.partition_2d_reference(net, SQUARE), 3)
    with capsys.disabled():
        print(f"\n{widths}: {regions} regions, batched {1e3 * batched:.0f} ms, plain {1e3 * plain:.0f} ms")
        print(f"ratio {plain / batched:.1f}")
    assert plain >= 2 * batched


def test_cost_per_region_does_not_grow_with_the_regions(benchmark, capsys):
    net = trained([2, 64, 64, 64, 2])
    cost = {}
    for half in (1.0, 0.1):
        count = len(splines.partition_2d(net, half * SQUARE))
        cost[count] = 1e6 * cpu_seconds(lambda half=half: splines.partition_2d(net, half * SQUARE), 5) / count
    benchmark.pedantic(splines.partition_2d, (net, SQUARE), rounds=3)
    with capsys.disabled():
        print("\n" + ", ".join(f"{count} regions: {c:.1f} us each" for count, c in cost.items()))
    assert cost[max(cost)] <= 4 * cost[min(cost)]
