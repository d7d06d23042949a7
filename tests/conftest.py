"""Settings for all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.kernel import Permission, namespace, need_kernel, need_trace, remove_trace_instance

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile("ci", deadline=None, max_examples=60, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=2000)
# A shell that starts the tests in the background has them ignore Ctrl-C, and so would all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A developer's own configuration must not change what the tests see.
os.environ["SYNSCOPE_CONFIG"] = os.devnull
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

_RERUNS = 2


@pytest.fixture(scope="session")
def kernel() -> None:
    """This machine's kernel, to be watched in real time; the test is skipped where that is not possible."""
    need_kernel()


@pytest.fixture
def private_network(kernel: None) -> Iterator[str]:
    """A new network namespace in which the test runs; its name."""
    del kernel
    with namespace() as name:
        yield name


@pytest.fixture
def trace(kernel: None) -> Iterator[None]:
    """The kernel's trace; a test that fails leaves no instance of it to the next one."""
    del kernel
    need_trace()
    yield
    remove_trace_instance()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let only a test that says so watch the kernel."""
    Permission.granted = watches_the_kernel(item)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests that watch the kernel run one after the other, and again when they fail.

    They do so in real time. A virtual machine loses its processors for tens of milliseconds now and then; the
    summary names what ran again. A defect fails each time. Everything else runs side by side, once.
    """
    for item in items:
        if watches_the_kernel(item):
            item.add_marker(pytest.mark.xdist_group("kernel"))
            item.add_marker(pytest.mark.flaky(reruns=_RERUNS))


def watches_the_kernel(item: pytest.Item) -> bool:
    """Whether the test takes the fixture ``kernel``, by itself or through another one."""
    return "kernel" in getattr(item, "fixturenames", ())
