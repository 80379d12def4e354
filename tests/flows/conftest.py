"""Places to run in, on the server that the session shares."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_swarm.flows.server import PrivateServer
from prefect_swarm.testing.project import Project
from prefect_swarm.testing.stage import Stage


@pytest.fixture
def stage(server: PrivateServer, tmp_path: Path) -> Stage:
    """A place of its own for a test's run, on the shared server."""
    assert server.alive

    return Stage(tmp_path)


@pytest.fixture
def project(server: PrivateServer, tmp_path: Path) -> Iterator[Project]:
    """A project on disk whose runs use the shared server."""
    project = Project(tmp_path, server.client_environment(tmp_path / "prefect"))
    yield project
    project.close()
