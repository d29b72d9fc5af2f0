"""Checks of the scrape runs: their pages, their rows, their conduct."""

from __future__ import annotations

import re
from collections.abc import Mapping

import dagster as dg

from ons_bigdata.platform.dagster.checks import expect_no_rows, expected_period_present
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.assets.collection.scrapes import RUNS
from ons_bigdata.prices.schemas.rhythms import DAILY
from ons_bigdata.prices.schemas.vocabulary import IDENTIFIER
from ons_bigdata.prices.sources.retailers import read_rhythms
from ons_bigdata.prices.sources.scraping.landed import PAGES_SOURCE
from ons_bigdata.settings import get_settings

_LATEST = """
    select distinct on (retailer) * from raw.scrape_runs order by retailer, started_at desc
"""


@dg.asset_check(
    asset=RUNS,
    blocking=True,
    description="The kept pages of every run are in landing by their recorded hash; the bytes of the latest run are.",
)
def pages_match_ledger(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Fail where pages are gone or are not those that the run kept."""
    landing = warehouse.landing()
    problems = [
        f"{run}: {name} is not in landing with hash {sha256}"
        for run, name, sha256 in landing.warehouse.rows(
            """
            select run_id, pages_file, pages_sha256 from raw.scrape_runs
            where not exists (
                select from ops.files
                where source = $1 and name = pages_file and sha256 = pages_sha256 and superseded_by is null
            )
            order by run_id
            """,
            [PAGES_SOURCE],
        )
    ]
    latest = landing.warehouse.rows(
        f"select file_id from ({_LATEST}) as latest join ops.files on source = $1 and name = pages_file",  # noqa: S608
        [PAGES_SOURCE],
    )
    ids = {file_id for (file_id,) in latest}
    for file in (landed for landed in landing.files() if landed.file_id in ids):
        try:
            landing.read(file)
        except InputError as error:
            problems.append(str(error))
    listed = "\n".join(f"* {problem}" for problem in problems)
    return dg.AssetCheckResult(passed=not problems, metadata={"problems": dg.MetadataValue.md(listed or "none")})


quote_files_hold_recorded_rows = expect_no_rows(
    "raw.price_quotes",
    "quote_files_hold_recorded_rows",
    description=(
        "The quote file of every run holds the rows that the run recorded; files that wait to be loaded are not"
        " compared."
    ),
    query="""
        select run_id, scrape_runs.rows, loads.rows_in
        from raw.scrape_runs
        join ops.files on files.source = 'prices' and files.superseded_by is null
            and files.name = retailer || '_quotes_' || right(run_id, 14) || '.csv'
        join ops.loads using (file_id)
        where loads.state = 'committed' and scrape_runs.rows <> loads.rows_in
        order by run_id
    """,
    line="{run_id}: {rows} rows recorded, {rows_in} in its quote file",
    blocking=True,
)

manners_kept = expect_no_rows(
    "raw.scrape_runs",
    "manners_kept",
    description="Every run kept to robots.txt (else the retailer file says why) and to the allowed hours.",
    query="""
        select
            run_id,
            concat_ws(
                ', ',
                case when not robots_obeyed then 'robots.txt not obeyed' end,
                case when not within_allowed_hours then 'outside the allowed hours' end
            ) as what
        from raw.scrape_runs
        where not (robots_obeyed and within_allowed_hours)
        order by started_at desc
    """,
    line="{run_id}: {what}",
)

latest_runs_finished = expect_no_rows(
    "raw.scrape_runs",
    "latest_runs_finished",
    description="The latest run of every retailer went through all its categories.",
    query=f"""
        select run_id, finish_reason, requests, rows from ({_LATEST}) as latest
        where finish_reason <> 'finished'
        order by run_id
    """,  # noqa: S608
    line="{run_id}: {finish_reason} after {requests} requests, {rows} rows",
)

latest_categories_whole = expect_no_rows(
    "raw.scrape_categories",
    "latest_categories_whole",
    description=(
        "In the latest run of every retailer every category of its file was there, and all categories and the"
        " navigation were read whole."
    ),
    query=f"""
        with latest as ({_LATEST}),
        not_whole as (
            select run_id, retailer, category, item_number::text, state, reason
            from raw.scrape_categories
            where run_id in (select run_id from latest) and reason is not null
        )
        select retailer, category, item_number, state, reason from not_whole
        union all
        select retailer, '(navigation)', 'all items', 'failed', parse_failures || ' entries not read'
        from latest
        where parse_failures > 0 and run_id not in (select run_id from not_whole)
        order by retailer, state, category
    """,  # noqa: S608
    line="{retailer}, {category} ({item_number}): {state}, {reason}",
)


def _latest_days_expected(rhythms: Mapping[str, str]) -> str:
    """Query of the latest day that each retailer should have.

    That of its data origin: real and simulated days are unrelated. Of retailers that are not collected daily the latest
    that there is: their missed collections are gaps of `price_collection_days`.
    """
    sparse = sorted(retailer for retailer, rhythm in rhythms.items() if rhythm != DAILY)
    names = ", ".join(f"'{retailer}'" for retailer in sparse if re.fullmatch(IDENTIFIER, retailer)) or "null"
    return f"""
        select distinct on (retailer) retailer,
            max(collected_on) over (partition by data_origin, case when retailer in ({names}) then retailer end)
        from raw.scrape_runs order by retailer
    """  # noqa: S608


CHECKS: list[dg.AssetChecksDefinition] = [
    pages_match_ledger,
    quote_files_hold_recorded_rows,
    manners_kept,
    latest_runs_finished,
    latest_categories_whole,
    expected_period_present(
        "raw.scrape_runs",
        column="collected_on",
        by="retailer",
        expected=_latest_days_expected(read_rhythms(get_settings().dbt_project_dir)),
    ),
]
