"""The door that every HTTP request passes: Host, Origin, token, and the headers that every answer carries."""

from http import HTTPStatus

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prefect_swarm.streamer.guard import Guard, Role
from prefect_swarm.streamer.ports import Address

PREFIX = "/api/orchestration"
MAX_BODY = 64 * 1024
"""Bytes that the body of a request may have."""


def problem(status: int, detail: str) -> JSONResponse:
    """Give an error as problem details (RFC 9457)."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def policy_for(address: Address) -> str:
    """Give the content security policy of the page: its own files and its own WebSocket, nothing else."""
    stream = " ".join(f"ws://{name}:{address.websocket}" for name in ("127.0.0.1", "localhost"))
    rules = ("script-src 'self'", "style-src 'self'", "img-src 'self'", f"connect-src 'self' {stream}")
    return "; ".join(("default-src 'none'", *rules, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"))


class Door:
    """Lets in who may come in, before the application sees anything of the request."""

    def __init__(self, app: ASGIApp, *, guard: Guard, address: Address, open_paths: frozenset[str]) -> None:
        """Guard an application; `open_paths` need no token, nor does the exchange of a code."""
        self._app, self._guard, self._port = app, guard, address.http
        self._open = open_paths | {f"{PREFIX}/session"}
        self._headers = {
            "Content-Security-Policy": policy_for(address),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            return
        answer = self._refusal(scope) or self._app

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await answer(scope, receive, dressed)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        foreign = self._guard.foreign(headers.get("host", ""), headers.get("origin"), port=self._port)
        if foreign is not None:
            return problem(403, foreign)
        if int(headers.get("content-length", "0")) > MAX_BODY or "transfer-encoding" in headers:
            return problem(413, f"a body has at most {MAX_BODY} bytes, and says how many")
        role = self._role(headers)
        scope.setdefault("state", {})["role"] = role
        if role is None and scope["path"] not in self._open:
            refused = problem(401, "a token is needed: open the link that `swarm dashboard` prints")
            refused.headers["WWW-Authenticate"] = "Bearer"
            return refused
        return None

    def _role(self, headers: Headers) -> Role | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return self._guard.role_of(token.strip()) if scheme.lower() == "bearer" else None
