"""Who gets in: tokens, codes, hosts and origins."""

import subprocess
import sys
from pathlib import Path

import pytest

from prefect_swarm.core.errors import UsageError
from prefect_swarm.streamer.guard import CODE_SECONDS, TOKEN_FILE, Guard, Role, tokens_in

MAKER = """
import sys
from pathlib import Path
from prefect_swarm.streamer.guard import tokens_in
print(tokens_in(Path(sys.argv[1])).view)
"""


def test_processes_at_once_agree_on_the_tokens(tmp_path: Path) -> None:
    """However many processes start at the same time, all use the tokens of one of them."""
    makers = [subprocess.Popen([sys.executable, "-c", MAKER, str(tmp_path)], stdout=subprocess.PIPE) for _ in range(4)]

    found = {maker.communicate()[0] for maker in makers}

    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == [TOKEN_FILE]


def test_token_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """The file is made with mode 0600, and refused once others may read it."""
    tokens_in(tmp_path)
    path = tmp_path / TOKEN_FILE
    assert path.stat().st_mode & 0o777 == 0o600

    path.chmod(0o644)

    with pytest.raises(UsageError, match="can be read by others"):
        tokens_in(tmp_path)


def test_code_works_once_and_not_for_ever(tmp_path: Path) -> None:
    """A code is exchanged for its role's token once, within five minutes."""
    now = [0.0]
    tokens = tokens_in(tmp_path)
    guard = Guard(tokens, http_port=8000, clock=lambda: now[0])
    first, second = guard.issue(Role.VIEW), guard.issue(Role.DECIDE)

    assert guard.exchange(first) == (Role.VIEW, tokens.view)
    assert guard.exchange(first) is None
    now[0] = CODE_SECONDS + 1
    assert guard.exchange(second) is None
    assert guard.exchange("guessed") is None


def test_roles_are_told_by_their_tokens(tmp_path: Path) -> None:
    """Each token has its role; any other text, also one beyond ASCII, has none."""
    tokens = tokens_in(tmp_path)
    guard = Guard(tokens, http_port=8000)

    assert [guard.role_of(one) for one in (tokens.view, tokens.decide, "", "é")] == [Role.VIEW, Role.DECIDE, None, None]


@pytest.mark.parametrize(
    ("host", "origin", "let_in"),
    [
        ("localhost:8000", None, True),
        ("127.0.0.1:8000", "http://localhost:8000", True),
        ("[::1]:8000", None, True),
        ("127.0.0.1:8001", None, False),
        ("evil.example:8000", None, False),
        ("localhost:8000", "http://localhost:3000", False),
        ("localhost:8000", "null", False),
    ],
)
def test_only_our_own_pages_are_served(tmp_path: Path, host: str, origin: str | None, *, let_in: bool) -> None:
    """Only loopback names with our port are a host, and only our page is an origin."""
    guard = Guard(tokens_in(tmp_path), http_port=8000)

    assert (guard.foreign(host, origin, port=8000) is None) is let_in
