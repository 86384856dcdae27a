"""Time and memory of functions that are compared in one run."""

import time

from torch.profiler import ProfilerActivity, profile


def fastest(*functions, rounds=6):
    """The shortest time of each function in seconds, in turn, so that a busy machine disturbs them alike."""
    times = {function: [] for function in functions}
    for _ in range(rounds + 1):
        for function in functions:
            start = time.perf_counter()
            function()
            times[function].append(time.perf_counter() - start)
    return [min(seconds[1:]) for seconds in times.values()]


def peak_memory(function):
    """Largest number of bytes that a function's tensors hold at one time, on the CPU."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        function()
    held, peak = 0, 0
    for event in recorded.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak
