"""One Prefect server for all tests that need one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_LOGGING_LEVEL,
    temporary_settings,
)

from prefect_swarm.flows.server import PrivateServer, private_server
from prefect_swarm.testing.project import Project
from prefect_swarm.testing.stage import Stage


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """A private Prefect server that the tests of this session share."""
    home = tmp_path_factory.mktemp("prefect")
    with private_server(home, timeout=180, keep=False, say=lambda _text: None) as running:
        updates: dict[Any, Any] = {
            PREFECT_API_URL: f"{running.url}/api",
            PREFECT_API_AUTH_STRING: running.password,
            PREFECT_HOME: home,
            PREFECT_LOGGING_LEVEL: "CRITICAL",
        }
        with temporary_settings(updates=updates):
            yield running
            EventsWorker.drain_all(timeout=10)  # else they try for a minute at exit to reach a server that is gone
            APILogWorker.drain_all(timeout=10)


@pytest.fixture
def stage(server: PrivateServer, tmp_path: Path) -> Stage:
    """A place of its own for a test's run, on the shared server."""
    assert server.alive

    return Stage(tmp_path)


@pytest.fixture
def project(server: PrivateServer, tmp_path: Path) -> Iterator[Project]:
    """A project on disk whose runs use the shared server."""
    home = tmp_path / "prefect"
    project = Project(tmp_path, server.client_environment(home))
    yield project
    project.close()
