"""ASGI middleware that protects a web interface without sign-on from other pages open in the same browser.

It refuses foreign Host headers (DNS rebinding), foreign Origin headers (cross-site requests and websockets),
GraphQL mutations by any method but POST, and display in frames of other sites (clickjacking).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_POLICY_VIOLATION = 1008
"""Close code of a websocket (RFC 6455, section 7.4.1)."""


class RequestGuard:
    """Middleware around an ASGI application; `hosts` are accepted as Host and Origin, besides loopback names."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str]) -> None:
        self.app = app
        self.hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject a refused request with 403 or 405 and the reason; forward all other requests."""
        if scope["type"] not in ("http", "websocket"):  # lifespan
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        reason = self._foreign_host(headers) or self._foreign_origin(headers)
        if reason is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
        elif reason is not None:
            await PlainTextResponse(reason, status_code=403)(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] != "POST" and _has_mutation(scope["query_string"]):
            refusal = PlainTextResponse("GraphQL mutations are sent by POST", 405, headers={"Allow": "POST"})
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, _without_foreign_frames(send))

    def _foreign_host(self, headers: Headers) -> str | None:
        """Return why the Host header is refused; None where it is accepted."""
        hosts = headers.getlist("host")
        authority = _normalise(hosts[0], "http") if len(hosts) == 1 else None
        if authority is not None and (_name(authority) in LOOPBACK_NAMES or authority in self.hosts):
            return None
        return f"Host {', '.join(hosts) or 'missing'} is not accepted here (ONS_BIGDATA_WEB_HOSTS lists further names)"

    def _foreign_origin(self, headers: Headers) -> str | None:
        """Return why the Origin header is refused; None where it is accepted or, as outside of browsers, missing."""
        origins = headers.getlist("origin")
        if not origins:
            return None
        scheme, separator, authority = origins[0].lower().partition("://")
        if len(origins) == 1 and separator and scheme in _DEFAULT_PORTS:
            origin = _normalise(authority, scheme)
            if origin is not None and (origin in self.hosts or origin == _normalise(headers["host"], scheme)):
                return None
        return f"Origin {', '.join(origins)} is not accepted here (ONS_BIGDATA_WEB_HOSTS lists further names)"


def _normalise(authority: str, scheme: str) -> str | None:
    """Return `name[:port]` in lower case without the default port; None where it is malformed."""
    match = _AUTHORITY.fullmatch(authority.lower())
    if match is None:
        return None
    port = match["port"]
    return match["name"] if port in (None, _DEFAULT_PORTS[scheme]) else f"{match['name']}:{port}"


def _name(authority: str) -> str:
    match = _AUTHORITY.fullmatch(authority)
    return match["name"] if match else ""


def _has_mutation(query_string: bytes) -> bool:
    """True if any `query` parameter has an operation other than a query."""
    for text in QueryParams(query_string.decode("latin-1")).getlist("query"):
        try:
            definitions = parse(text, no_location=True).definitions
        except GraphQLError:  # Dagster reports the syntax error
            continue
        for definition in definitions:
            if isinstance(definition, OperationDefinitionNode) and definition.operation is not OperationType.QUERY:
                return True
    return False


def _without_foreign_frames(send: Send) -> Send:
    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Frame-Options"] = "SAMEORIGIN"
        await send(message)

    return send_with_header
