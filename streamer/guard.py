"""Who may look, and who may decide: tokens in a file, single-use codes for the page, allowed hosts and origins."""

import hmac
import json
import os
import secrets
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.requirement import Value

TOKEN_FILE = "token.json"  # noqa: S105 - the name of the file
CODE_SECONDS = 300.0
"""How long a code can be exchanged."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Role(StrEnum):
    """What a token allows; who may decide may also view."""

    VIEW = "view"
    DECIDE = "decide"


class Tokens(Value):
    """The two tokens of a state folder."""

    view: str = Field(min_length=32)
    decide: str = Field(min_length=32)


def tokens_in(folder: Path) -> Tokens:
    """Give the tokens of a state folder, made with mode 0600 where there are none; two processes at once agree.

    Raises UsageError where the file cannot be read or others may read it.
    """
    path = folder / TOKEN_FILE
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise UsageError(f"{path} can be read by others: delete it, and a new one is made")
    try:
        return Tokens.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UsageError(f"{path} holds no tokens: delete it, and a new one is made") from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    text = json.dumps({role.value: secrets.token_urlsafe(32) for role in Role})
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails where the file exists: the first of two processes wins, both read what it wrote
    except FileExistsError:
        pass
    finally:
        draft.unlink()


class Guard:
    """What one streamer lets in."""

    def __init__(self, tokens: Tokens, *, http_port: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Know the tokens and the port that the page is served on."""
        self._tokens, self._http_port, self._clock = tokens, http_port, clock
        self._codes: dict[str, tuple[Role, float]] = {}

    def role_of(self, token: str) -> Role | None:
        """Tell what a token allows, None where it is not ours; takes as long for any wrong one."""
        given = token.encode()
        decide = hmac.compare_digest(given, self._tokens.decide.encode())
        view = hmac.compare_digest(given, self._tokens.view.encode())
        return Role.DECIDE if decide else Role.VIEW if view else None

    def foreign(self, host: str, origin: str | None, *, port: int) -> str | None:
        """Say what is wrong with a request's Host (of the server on `port`) or Origin; None where both are ours.

        A page of another site can reach a loopback port; its browser then names that site here.
        """
        if host not in {f"{name}:{port}" for name in LOOPBACK}:
            return "this host name is not served here"
        if origin is not None and origin not in {f"http://{name}:{self._http_port}" for name in LOOPBACK}:
            return "pages of other sites are not served"
        return None

    def issue(self, role: Role) -> str:
        """Make a code that can be exchanged once, within five minutes, for the token of a role."""
        now = self._clock()
        self._codes = {code: kept for code, kept in self._codes.items() if kept[1] > now}
        code = secrets.token_urlsafe(16)
        self._codes[code] = (role, now + CODE_SECONDS)
        return code

    def exchange(self, code: str) -> tuple[Role, str] | None:
        """Give role and token for a code and forget it; None where it is unknown, used or too old."""
        role, until = self._codes.pop(code, (Role.VIEW, 0.0))
        if until <= self._clock():
            return None
        return role, self._tokens.decide if role is Role.DECIDE else self._tokens.view

    def proof(self, challenge: str) -> str:
        """Answer a challenge as only somebody who knows the tokens can."""
        return proof_of(self._tokens, challenge)


def proof_of(tokens: Tokens, challenge: str) -> str:
    """What a streamer that knows the tokens answers to a challenge, so that a token is never sent to a stranger."""
    return hmac.new(tokens.decide.encode(), challenge.encode(), "sha256").hexdigest()
