"""REST as a client meets it, and how two streamers share the ports."""

import socket
from pathlib import Path

import httpx
import pytest

from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.app import Streamer
from prefect_swarm.streamer.guard import Tokens
from prefect_swarm.streamer.ports import locate, ours
from prefect_swarm.testing.scenes import Scene, lively

API = "/api/orchestration"


@pytest.fixture
def client(streamer: Streamer, settings: Settings, tokens: Tokens) -> httpx.Client:
    """A client with the token that may view."""
    assert not streamer.joined
    base = f"http://127.0.0.1:{settings.http_port}"
    return httpx.Client(base_url=base, headers={"Authorization": f"Bearer {tokens.view}"}, trust_env=False)


def test_run_is_shown_whole(client: httpx.Client, scene: Scene) -> None:
    """A run, its events and the list of runs can be asked for."""
    lively(scene)
    with client:
        view = client.get(f"{API}/runs/last").json()
        events = client.get(f"{API}/runs/scene/events", params={"after": 4, "limit": 3}).json()
        runs = client.get(f"{API}/runs").json()

    assert view["project"] == "TaskFlow"
    assert view["progress"]["percent"] == pytest.approx(runs[0]["percent"])
    assert [event["seq"] for event in events] == [5, 6, 7]
    assert runs[0]["alive"] is True


@pytest.mark.parametrize("path", ["/runs", "/runs/last", "/openapi.json", "/nothing"])
def test_nothing_is_told_without_a_token(client: httpx.Client, path: str) -> None:
    """Every request needs a token, also those for what does not exist; errors are problem details."""
    with client:
        answer = client.get(API + path, headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 401


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_other_sites_are_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    """A good token does not help a page of another site, nor a name that was bent to this machine."""
    with client:
        assert client.get(f"{API}/runs", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("path", "status"), [("/runs/nobody", 404), ("/runs/last/events?limit=0", 422), ("/none", 404)]
)
def test_errors_are_problem_details(client: httpx.Client, scene: Scene, path: str, *, status: int) -> None:
    """Whatever goes wrong is told in one form."""
    assert scene.epoch
    with client:
        answer = client.get(API + path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


def test_code_is_exchanged_once(client: httpx.Client, streamer: Streamer, tokens: Tokens) -> None:
    """The code of a printed link is good for one token; it never travels in a query or a cookie."""
    link = streamer.link()
    address, _, code = link.partition("/#code=")
    with client:
        first = client.post(f"{address}{API}/session", json={"code": code}, headers={"Authorization": ""})
        second = client.post(f"{address}{API}/session", json={"code": code})

    assert first.json() == {"role": "view", "token": tokens.view}
    assert "set-cookie" not in first.headers
    assert second.status_code == 401


def test_page_may_load_nothing_from_elsewhere(client: httpx.Client, settings: Settings) -> None:
    """The page comes without a token, under a policy that allows its own files and its own stream."""
    with client:
        answer = client.get("/", headers={"Authorization": ""})
    policy = answer.headers["content-security-policy"]

    assert answer.status_code == 200
    assert "unsafe" not in policy
    assert f"connect-src 'self' ws://127.0.0.1:{settings.websocket_port}" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert f'content="{settings.websocket_port}"' in answer.text


def test_large_bodies_are_refused(client: httpx.Client) -> None:
    """A body beyond the limit is not read."""
    with client:
        assert client.post(f"{API}/session", content=b"x" * 100_000).status_code == 413


def test_second_streamer_uses_the_first(
    streamer: Streamer, journal: Journal, settings: Settings, tokens: Tokens
) -> None:
    """Whoever finds the ports taken by a streamer of the same journal serves nothing and links to that one."""
    second = Streamer(journal, settings)
    address = second.start()

    link = second.link()

    assert second.joined
    assert address == locate(settings, journal.url, tokens)
    assert httpx.post(f"{address.page}{API}/session", json={"code": link.partition("code=")[2]}).status_code == 200
    assert streamer.link() != link
    second.stop()


def test_foreign_owner_of_a_port_is_named(journal: Journal, settings: Settings) -> None:
    """Where another program holds a port, it is named and the next pair is used."""
    with socket.socket() as foreign:
        foreign.bind(("127.0.0.1", settings.websocket_port))
        foreign.listen()
        with Streamer(journal, settings) as streamer:
            page = streamer.link().partition("/#")[0]
            answer = httpx.get(f"{page}/healthz", trust_env=False)

    assert answer.json()["websocket"] == settings.websocket_port + 1
    assert f"port {settings.websocket_port} is taken by" in streamer.avoided[0]


def test_impostor_is_not_believed(streamer: Streamer, settings: Settings, journal: Journal, tmp_path: Path) -> None:
    """A service that answers like ours but does not know the tokens gets none of them."""
    assert not streamer.joined
    others = Tokens(view="v" * 40, decide="d" * 40)

    assert ours(settings.http_port, journal.url, others) is None
    assert ours(settings.http_port, f"sqlite:///{tmp_path}/other.db", others) is None
