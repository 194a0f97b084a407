"""Fixtures every test has: both event loops, and a guard against what a test leaves behind.

``HYPOTHESIS_PROFILE=thorough`` has hypothesis look a hundred times longer.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio import pytest_plugin
from hypothesis import HealthCheck, settings

from tests.support import leaks

# The plugin would tell every callback of the loop which library runs, as anyio.run does. Most
# hosts use asyncio.run, which tells nobody: what works without being told works with it as well.
pytest_plugin.set_current_async_library = lambda name: None
pytest_plugin.reset_current_async_library = lambda token: None

# A noisy machine may stop for a second at any moment: no example has a deadline.
settings.register_profile(
    "steady", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("steady"), max_examples=6000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# A shell starts what it puts into the background with Ctrl-C ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every ``async def`` test runs on both; parametrise this name to choose otherwise."""
    return str(request.param)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a child process, a descriptor or a thread behind."""
    if request.node.get_closest_marker("leaks"):
        yield
        return
    before = leaks.snapshot()
    yield
    left = leaks.leaked(before)
    if left:
        pytest.fail("the test left behind:\n  " + "\n  ".join(left), pytrace=False)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of this test run without coverage: for what a cold or timed child must show.

    Also for those that raise in a worker's thread while it sleeps: until it wakes, and takes what
    is due, CPython 3.11 runs every other traced thread on the spot (a traced RESUME starts again
    after each periodic check).
    """
    for name in MEASURED:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def measured(request: pytest.FixtureRequest) -> Iterator[None]:
    """Measure the children of tests that are about what runs in them.

    Measuring costs a child more than its start, and the tests of a host start thousands.
    """
    # Not the fixture ``monkeypatch``: a test's own would then be undone after its other fixtures.
    with pytest.MonkeyPatch.context() as patch:
        room = request.path.relative_to(TESTS).parts[0]
        if room in ("blocking", "examples", "host", "hosts", "instruments"):
            for name in MEASURED:
                patch.delenv(name, raising=False)
        yield


TESTS = Path(__file__).parent
MEASURED = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
"""The variables by which coverage reaches child processes."""


@pytest.fixture(scope="session", autouse=True)
def measure_backends() -> Iterator[None]:
    """Let coverage's variables through the host's allow-list, or no backend would be measured."""
    if not any(name in os.environ for name in MEASURED):
        yield
        return
    from bridgekit.host import environment

    allowed = environment._EXACT
    environment._EXACT = allowed | set(MEASURED)
    passed = environment.child_environment({})
    assert any(name in passed for name in MEASURED), "children of the host are not measured"
    yield
    environment._EXACT = allowed
