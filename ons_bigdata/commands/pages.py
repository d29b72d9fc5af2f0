"""Pages that the web interface serves beside Dagster's, under /pages: their list, daily reports and the dbt docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ons_bigdata.commands.report import list_price_reports, read_price_report
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

_TEMPLATES = Environment(
    loader=PackageLoader("ons_bigdata.commands"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def routes() -> list[BaseRoute]:
    """Routes of the pages of this installation, below /pages."""
    docs = get_settings().dbt_dir / "docs"
    return [
        Route("/", _list_of_pages),
        Route("/reports/", _to_list),
        Route("/reports/prices/", _latest_price_report),
        Route("/reports/prices/{origin}/{day}.html", _price_report),
        Mount("/dbt", StaticFiles(directory=docs, html=True, check_dir=False)),
    ]


def _list_of_pages(_request: Request) -> Response:
    try:
        days = list_price_reports(get_settings())
    except InputError:  # nothing is here yet
        days = []
    page = _TEMPLATES.get_template("pages.html.j2").render(days=days)
    return HTMLResponse(page, headers=_REPORT_HEADERS)


def _to_list(_request: Request) -> Response:
    return RedirectResponse("../", status_code=307)


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
    linked = report.html.replace("<main>", '<main>\n<nav><a href="../../../">all days</a></nav>', 1)
    return HTMLResponse(linked, headers=_REPORT_HEADERS)
