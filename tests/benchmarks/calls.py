"""What the calls of a command cost the others: the time of a call that does nothing, with the trace and without.

``python -m tests.benchmarks.calls`` prints the table of docs/performance.md. Needs root and a C compiler. The trace
is limited to a process that sleeps, so that the loop is outside of the tree; each round takes the ways in another
order, and of each round the best of many short bursts counts, for what disturbs one only adds to it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import random
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from synscope.probes.kernel.instance import Instance
from synscope.probes.kernel.legs_instance import LegsInstance

ROUNDS = 40
BURSTS = "25"
LOOP = """\
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
int main(int count, char **words) {
    int calls = 20000; double best = 1e18;
    for (int burst = 0; count > 1 && burst < atoi(words[1]); burst++) {
        double began = now();
        for (int i = 0; i < calls; i++) syscall(SYS_getppid);
        double took = (now() - began) / calls;
        if (took < best) best = took;
    }
    printf("%.2f\\n", best);
}
"""


def _machine_wide() -> contextlib.ExitStack:
    """Switch on what ``live`` and ``doctor`` have on too."""
    stack = contextlib.ExitStack()
    instance = Instance.create()
    stack.callback(instance.remove)
    for descriptor in instance.start([47_999]).descriptors:
        stack.callback(os.close, descriptor)
    return stack


def _of_run(pid: int) -> contextlib.ExitStack:
    """Switch on what ``run`` has on while its command runs."""
    stack = contextlib.ExitStack()
    instance, tree = Instance.create(), Instance.create(of_tree=True)
    stack.callback(instance.remove)
    stack.callback(tree.remove)
    for handover in (instance.start([47_999], calls=True), tree.follow(pid)):
        for descriptor in handover.descriptors:
            stack.callback(os.close, descriptor)
    return stack


def _of_run_with_server(pid: int) -> contextlib.ExitStack:
    """Switch on what ``run`` has on where somebody serves the port: the server's own connects are followed too."""
    stack = _of_run(pid)
    legs = LegsInstance.beside()
    stack.callback(legs.remove)
    handover = legs.follow_all([pid], [47_999])
    for descriptor in (*handover.trace.descriptors, handover.ids):
        stack.callback(os.close, descriptor)
    return stack


@contextlib.contextmanager
def _loop() -> Iterator[Callable[[], float]]:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "loop")
        subprocess.run(["cc", "-O2", "-x", "c", "-o", program, "-"], input=LOOP.encode(), check=True)
        yield lambda: float(subprocess.run([program, BURSTS], check=True, capture_output=True).stdout)


def measured(ways: Mapping[str, Callable[[], contextlib.ExitStack]]) -> dict[str, list[float]]:
    """Return ns a call in each round, by way."""
    took: dict[str, list[float]] = {way: [] for way in ways}
    with _loop() as once:
        for _ in range(ROUNDS):
            for way in random.sample(list(ways), len(ways)):
                with ways[way]():
                    took[way].append(once())
    return took


def main() -> None:
    """Measure and print."""
    with subprocess.Popen(["sleep", "infinity"]) as sleeper:
        try:
            took = measured(
                {
                    "nothing": contextlib.ExitStack,
                    "`live` or `doctor`": _machine_wide,
                    "`run`": lambda: _of_run(sleeper.pid),
                    "`run`, a server followed": lambda: _of_run_with_server(sleeper.pid),
                }
            )
        finally:
            sleeper.kill()
    least = {way: (min(each), statistics.median(each)) for way, each in took.items()}
    base = least["nothing"]
    print("| Trace | ns a call, best | more | median | more |\n|---|--:|--:|--:|--:|")
    for way, (best, middle) in least.items():
        print(f"| {way} | {best:.0f} | {best - base[0]:+.0f} | {middle:.0f} | {middle - base[1]:+.0f} |")
    print(
        f"\n- Kernel: {platform.system()} {platform.release()}\n- Load average after: {os.getloadavg()[0]:.2f}"
    )


if __name__ == "__main__":
    main()
