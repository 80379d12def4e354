"""Which Prefect server a run uses: the configured one, else a private one that goes with its last user."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from prefect_swarm.core.errors import Unavailable
from prefect_swarm.flows.server import PrivateServer, configured_server, private_server, require_server

PROFILES = """active = "work"

[profiles.ephemeral]
PREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"

[profiles.work]
PREFECT_API_URL = "http://prefect.example/api"
"""


def test_a_private_server_is_shared_and_ends_with_its_last_user(tmp_path: Path) -> None:
    """A second user gets the server that runs; who leaves first does not end it, who leaves last does."""
    said: list[str] = []

    with _using(tmp_path, said) as first:
        with _using(tmp_path, said) as second:
            pass
        alive_between = first.alive

    assert second == first
    assert alive_between
    assert not first.alive
    assert len(said) == 1
    assert not (tmp_path / "server.json").exists()


def test_a_server_that_cannot_start_in_time_is_told_and_ended(tmp_path: Path) -> None:
    """A server that does not answer in time is named with its log, and does not stay."""
    hasty = private_server(tmp_path, timeout=0, keep=False, say=lambda _text: None)

    with pytest.raises(Unavailable, match=r"server\.log"), hasty:
        pass

    started = PrivateServer.model_validate_json((tmp_path / "server.json").read_text())
    assert not started.alive


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, None),
        ({"PREFECT_API_URL": "http://given/api"}, "http://given/api"),
        ({"PREFECT_HOME": "{home}"}, "http://prefect.example/api"),
        ({"PREFECT_PROFILES_PATH": "{home}/profiles.toml"}, "http://prefect.example/api"),
        ({"PREFECT_HOME": "{home}", "PREFECT_PROFILE": "ephemeral"}, None),
        ({"PREFECT_HOME": "{home}", "PREFECT_PROFILE": "unknown"}, None),
    ],
)
def test_the_environment_wins_over_the_profile(
    environ: dict[str, str], url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PREFECT_API_URL is used as it is, else that of the active profile; without either no server is configured."""
    (tmp_path / "profiles.toml").write_text(PROFILES)
    monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))

    found = configured_server({name: value.format(home=tmp_path) for name, value in environ.items()})

    assert found == url


def test_a_configured_server_must_answer() -> None:
    """A configured server that does not answer is refused with what to do."""
    with pytest.raises(Unavailable, match="unset PREFECT_API_URL"):
        require_server("http://127.0.0.1:9/api")


def _using(home: Path, said: list[str]) -> AbstractContextManager[PrivateServer]:
    return private_server(home, timeout=180, keep=False, say=said.append)
