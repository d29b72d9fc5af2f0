"""Pages that the web interface serves beside Dagster's, under /pages: daily reports of prices and the dbt docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ons_bigdata.commands.report import read_price_report
from ons_bigdata.platform.errors import InputError
from ons_bigdata.settings import get_settings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

_REPORT_HEADERS = {
    # a report loads nothing, and nothing in it is executed
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}


def routes() -> list[BaseRoute]:
    """Routes of the pages of this installation, below /pages."""
    docs = get_settings().dbt_dir / "docs"
    return [
        Route("/reports/prices/", _latest_price_report),
        Route("/reports/prices/{origin}/{day}.html", _price_report),
        Mount("/dbt", StaticFiles(directory=docs, html=True, check_dir=False)),
    ]


def _latest_price_report(request: Request) -> Response:
    try:
        latest = read_price_report(get_settings(), origin=request.query_params.get("origin"))
    except InputError as error:
        return PlainTextResponse(str(error), status_code=404)
    return RedirectResponse(f"{latest.data_origin}/{latest.collected_on}.html", status_code=307)


def _price_report(request: Request) -> Response:
    wanted = request.path_params
    try:
        report = read_price_report(get_settings(), day=wanted["day"], origin=wanted["origin"])
    except InputError as error:
        return PlainTextResponse(str(error), status_code=404)
    return HTMLResponse(report.html, headers=_REPORT_HEADERS)
