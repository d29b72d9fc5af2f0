"""Process of the web interface: Dagster's webserver behind the request guard, `python -m` this module."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

import dagster as dg
import uvicorn

# The command `dagster-webserver` takes no middleware. Its parts are not public: a release that moves them fails here.
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from ons_bigdata.platform.dagster.serving.named_jobs import prefer_in_web_interface
from ons_bigdata.platform.dagster.serving.request_guard import RequestGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

# Defaults of the command `dagster-webserver`
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_S = 3_600
_POOL_MAX_OVERFLOW = 20
_LIVE_DATA_POLL_RATE_MS = 2_000


def serve(
    *, host: str, port: int, workspace: str, read_only: bool, hosts: list[str], pages: Sequence[BaseRoute] = ()
) -> None:
    """Serve the web interface of the instance in DAGSTER_HOME, and `pages` below /pages, until the process is ended."""
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_S, _POOL_MAX_OVERFLOW)
        with WorkspaceProcessContext(
            instance, WorkspaceFileTarget(paths=[workspace]), version=dg.__version__, read_only=read_only
        ) as context:
            prefer_in_web_interface()
            in_url = f"[{host}]" if ":" in host else host
            app = create_app_from_workspace_process_context(context, live_data_poll_rate=_LIVE_DATA_POLL_RATE_MS)
            app.router.routes.insert(0, Mount("/pages", routes=list(pages)))
            app.router.routes.insert(0, Route("/pages", _to_pages))
            guarded = RequestGuard(app, hosts=[f"{in_url}:{port}", *hosts])
            uvicorn.run(guarded, host=host, port=port, log_level="warning")


def _to_pages(_request: Request) -> RedirectResponse:
    """Lead from /pages to /pages/: Dagster would show a page of its own that loads for ever."""
    return RedirectResponse("/pages/", status_code=307)


def main() -> None:
    """Read the command line of the process and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--accept-host", action="append", default=[])
    parser.add_argument("--pages", help="module:function that returns routes for /pages")
    chosen = parser.parse_args()
    serve(
        host=chosen.host,
        port=chosen.port,
        workspace=chosen.workspace,
        read_only=chosen.read_only,
        hosts=chosen.accept_host,
        pages=_routes(chosen.pages) if chosen.pages else (),
    )


def _routes(name: str) -> Sequence[BaseRoute]:
    module, function = name.split(":")
    return getattr(import_module(module), function)()


if __name__ == "__main__":
    main()
