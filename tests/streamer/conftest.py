"""A journal, a streamer of it on free ports, and a client's way in."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.app import Streamer
from prefect_swarm.streamer.guard import Tokens, tokens_in
from prefect_swarm.testing.scenes import Scene, plan_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a state folder and ports of their own."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return Settings(
            home=str(tmp_path / "home"), http_port=one.getsockname()[1], websocket_port=two.getsockname()[1]
        )


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    """An empty journal."""
    opened = Journal.at(Path(settings.home))
    yield opened
    opened.close()


@pytest.fixture
def tokens(settings: Settings, journal: Journal) -> Tokens:
    """The tokens of the state folder, which the journal has made."""
    assert journal.url
    return tokens_in(Path(settings.home))


@pytest.fixture
def scene(journal: Journal) -> Scene:
    """A run of eight requirements that has begun."""
    return Scene(journal, plan_of(8))


@pytest.fixture
def streamer(journal: Journal, settings: Settings) -> Iterator[Streamer]:
    """A streamer that serves."""
    with Streamer(journal, settings) as serving:
        yield serving
