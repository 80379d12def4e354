"""What holds for the whole suite: the time that each room has, and no silent skips where all parts are installed."""

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from prefect_swarm.flows.server import PrivateServer, private_server

TESTS = Path(__file__).resolve().parent

# Seconds that a room may take: the first folder below tests/ decides to which room a test belongs.
BUDGETS = {
    "core": 60,
    "journal": 120,
    "agents": 120,
    "prefect": 300,
    "streamer": 120,
    "page": 120,
    "chaos": 150,
    "others": 300,
}
ROOM_OF_FOLDER = {"tasks": "prefect", "flows": "prefect"} | {room: room for room in BUDGETS}

REQUIRE_ALL = "SWARM_TEST_REQUIRE_ALL"
MISSING = "missing:"  # how the reason of a skip begins when a program is not installed

SPENT = pytest.StashKey[dict[str, float]]()


def room_of(path: Path) -> str:
    """Return the room whose time a test spends."""
    folder = path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""
    return ROOM_OF_FOLDER.get(folder, "others")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--require-all`, for CI, where everything is installed."""
    help_text = f"a test that skips because a part is missing fails; also by {REQUIRE_ALL}=1"
    parser.addoption("--require-all", action="store_true", default=os.environ.get(REQUIRE_ALL) == "1", help=help_text)


# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_configure(config: pytest.Config) -> None:
    """Start counting the time of the rooms, and find the programs of the environment as after activating it."""
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    config.stash[SPENT] = dict.fromkeys(BUDGETS, 0.0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count the time of every phase, and fail a skip for a missing part where all parts are required."""
    report = yield
    item.config.stash[SPENT][room_of(item.path)] += call.duration
    if report.skipped and item.config.getoption("--require-all"):
        fail_if_missing(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a whole module that skips for a missing part where all parts are required."""
    report = yield
    if report.skipped and collector.config.getoption("--require-all"):
        fail_if_missing(report)
    return report


def fail_if_missing(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip whose reason begins with `missing:` into a failure that says so."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if reason.startswith(MISSING):
        report.outcome = "failed"
        report.longrepr = f"{REQUIRE_ALL} is set, yet this was to be skipped: {reason}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what each room has spent of its time."""
    spent = config.stash[SPENT]
    terminalreporter.section("time of the rooms")
    for room, budget in BUDGETS.items():
        if spent[room]:
            mark = "  OVER" if spent[room] > budget else ""
            terminalreporter.write_line(f"{room:<10}{spent[room]:>8.1f} s of {budget:>4} s{mark}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """A private Prefect server that the tests of this session share; Prefect is imported only where it is asked for."""
    import prefect.settings as names
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    home = tmp_path_factory.mktemp("prefect")
    with private_server(home, timeout=180, keep=False, say=lambda _text: None) as running:
        updates: dict[Any, Any] = {
            names.PREFECT_API_URL: f"{running.url}/api",
            names.PREFECT_API_AUTH_STRING: running.password,
            names.PREFECT_HOME: home,
            names.PREFECT_LOGGING_LEVEL: "CRITICAL",
        }
        with names.temporary_settings(updates=updates):
            yield running
            EventsWorker.drain_all(timeout=10)  # else they try for a minute at exit to reach a server that is gone
            APILogWorker.drain_all(timeout=10)
