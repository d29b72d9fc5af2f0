"""The whole of `make demo`: files and scrapes of simulated shops to indices, docs and user interface."""

from __future__ import annotations

import json
import os
import pickletools
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_bigdata.pilots import PILOTS
from tests.command_line import ROOT, CommandLine
from tests.end_to_end.lineage_records import (  # collected here, as the tests of `quality_events` are
    test_each_python_asset_reads_the_relations_that_are_its_deps,  # noqa: F401
)
from tests.end_to_end.quality_events import (  # collected here: a file's tests stay on one worker, which has the demo
    script,  # noqa: F401  (a fixture)
    test_a_shelf_that_was_renamed_over_http_brings_a_suggestion,  # noqa: F401
    test_each_breakage_is_detected_on_its_days,  # noqa: F401
    test_no_other_day_is_flagged,  # noqa: F401
    test_the_report_of_the_day_lists_the_breakage,  # noqa: F401
)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def events(demo: tuple[CommandLine, str]) -> dict[str, list[dict]]:
    """Read the simulated world's own account of what went wrong, by kind."""
    truth = json.loads(next((demo[0].home / "demo").rglob("events.json")).read_text())
    by_kind: dict[str, list[dict]] = {}
    for event in truth["events"]:
        by_kind.setdefault(event["kind"], []).append(event)
    return by_kind


def test_the_summary_counts_files_rows_and_findings(demo: tuple[CommandLine, str]) -> None:
    command, printed = demo
    (loads,) = command.query(
        "select count(*)::int as files, sum(rows_in)::int as rows, sum(quarantined)::int as quarantined"
        " from ops.loads join ops.files using (file_id) where source = 'prices' and name like '%_products_%'"
    )
    assert loads["files"] == 78  # 26 days of three shops
    assert f"{loads['files']} files (78 new): {loads['rows']:,} rows in" in printed
    for failed in ("every_day_collected", "counts_as_expected", "no_quotes_excluded", "no_rows_quarantined"):
        assert failed in printed
    assert "Food and non-alcoholic beverages" in printed


def test_the_last_two_days_are_scraped_over_http(demo: tuple[CommandLine, str]) -> None:
    runs = demo[0].query(
        "select collected_on, count(*)::int as shops, sum(rows)::int as rows, sum(pages_kept)::int as pages,"
        " bool_and(robots_obeyed) as obeyed, bool_and(finish_reason = 'finished') as finished"
        " from raw.scrape_runs group by collected_on order by collected_on"
    )
    assert [(run["collected_on"], run["shops"]) for run in runs] == [("2016-06-11", 3), ("2016-06-12", 3)]
    for run in runs:
        assert run["rows"] >= 6_500
        assert run["pages"] > 200
        assert run["obeyed"]
        assert run["finished"]


def test_series_go_on_from_files_to_scrapes(demo: tuple[CommandLine, str]) -> None:
    """Files carry no product ids, the scraped pages of two shops do; a product is the same on both."""
    (links,) = demo[0].query(
        "select min(products_used)::int as fewest, count(*)::int as strata from analysis.elementary_price_indices"
        " where method = 'jevons_chained' and period = '2016-06-11' and segment = 0"
    )
    assert links["strata"] >= 102
    assert links["fewest"] >= 20


def test_the_outage_is_flagged_on_its_day_and_on_no_other(demo: tuple[CommandLine, str], events: dict) -> None:
    days = demo[0].query(
        "select retailer, collected_on, status from marts.price_collection_days where status <> 'collected'"
    )
    (outage,) = events["outage"]
    assert days == [{"retailer": outage["retailer"], "collected_on": outage["first_date"], "status": "outage"}]


def test_categories_that_fail_are_rejected_on_their_days_and_on_no_other(
    demo: tuple[CommandLine, str], events: dict
) -> None:
    rejected = demo[0].query(
        "select retailer, item_number, collected_on, status from marts.price_quote_counts"
        " where status not in ('accepted', 'unjudged', 'outage')"
    )
    scripted = [
        {"retailer": event["retailer"], "item_number": event["item_number"], "collected_on": day, "status": status}
        for status, kinds in (
            ("missing", ("category_renamed", "changed_markup", "empty_page", "bot_wall")),
            ("too_many", ("whole_shop",)),
        )
        for kind in kinds
        for event in events[kind]
        for day in event["found_on"]
    ]
    assert len(scripted) == 9

    def key(row: dict) -> list[str]:
        return [str(value) for value in row.values()]

    assert sorted(rejected, key=key) == sorted(scripted, key=key)


def test_the_price_error_stays_out_of_the_index(demo: tuple[CommandLine, str], events: dict) -> None:
    excluded = demo[0].query(
        "select distinct retailer, item_number, collected_on from intermediate.int_prices__quotes_excluded"
        " where reason = 'price_error' order by collected_on"
    )
    errors = events["price_error"]
    assert len(errors) == 2
    assert excluded == [
        {"retailer": error["retailer"], "item_number": error["item_number"], "collected_on": error["first_date"]}
        for error in errors
    ]
    for error in errors:
        (spread,) = demo[0].query(
            "select max(index) - min(index) as points from marts.price_indices"
            f" where level = 'item' and code = '{error['item_number']}' and recipe = 'web_daily'"
        )
        assert spread["points"] < 50


def test_indices_follow_the_true_prices(demo: tuple[CommandLine, str]) -> None:
    """Fixed-base indices of the true prices, worked out here, are those of the pipeline."""
    truth = pl.read_csv(next((demo[0].home / "demo").rglob("true_prices.csv")), try_parse_dates=True)
    week = pl.col("date").is_between(pl.date(2016, 5, 16), pl.date(2016, 5, 22))
    key = ["retailer", "item_number", "product_name", "pack"]
    base = truth.filter(week).group_by(key).agg(base=pl.col("price_gbp").log().mean())
    true_levels = (
        truth.join(base, on=key)
        .group_by("retailer", "item_number", "date")
        .agg(true=(pl.col("price_gbp").log() - pl.col("base")).mean())
    )
    found = pl.DataFrame(
        demo[0].query(
            "select retailer, item_number, period as date, segment_index from analysis.elementary_price_indices"
            " where method = 'jevons_fixed_base' and segment_index is not null"
        )
    ).with_columns(pl.col("date").str.to_date())
    both = found.join(true_levels, on=["retailer", "item_number", "date"], how="inner")
    assert both.height > 2_500
    differences = (both["segment_index"].log() - both["true"]).abs()
    assert differences.median() < 1e-9
    assert differences.quantile(0.99) < 0.02
    assert differences.max() < 0.1


def test_no_simulated_figure_passes_for_a_real_one(demo: tuple[CommandLine, str]) -> None:
    for table in ("marts.price_indices", "marts.price_quote_counts", "analysis.elementary_price_indices"):
        assert demo[0].query(f"select distinct data_origin from {table}") == [{"data_origin": "simulated"}]


def test_a_second_ingest_gives_the_same_tables(demo: tuple[CommandLine, str]) -> None:
    command, _ = demo
    before = command.query("select md5(string_agg(q::text, '' order by load_id, line)) from raw.price_quotes as q")
    summary = command.json("ingest", "prices", command.home / "demo" / "scrapes", "--json")
    assert summary["new_files"] == 0
    after = command.query("select md5(string_agg(q::text, '' order by load_id, line)) from raw.price_quotes as q")
    assert after == before


@pytest.fixture(scope="module")
def demo_status(demo: tuple[CommandLine, str]) -> tuple[dict, str]:
    """Return the status of the demo as JSON and as it is printed."""
    return demo[0].json("status", "--json"), demo[0].run("status").stdout


def test_status_shows_loads_partitions_and_failed_checks(
    demo: tuple[CommandLine, str], demo_status: tuple[dict, str]
) -> None:
    status, printed = demo_status
    shops = {"sim-alder", "sim-birch", "sim-cedar"}
    days = {(one["source"], one["delivery"]): one["days"] for one in status["partitions"]}
    assert {key: days[key] for key in days if key[0] in ("prices", "price_pages")} == {
        (source, shop): number for source, number in (("prices", 28), ("price_pages", 2)) for shop in shops
    }
    assert {"official_price_quotes", "prices_other", "scope_labels"} <= {source for source, _ in days}
    assert {load["delivery"] for load in status["loads"]} >= shops
    assert "marts/price_indices" in {asset["asset"] for asset in status["assets"]}
    assert {"asset": "marts/price_quote_counts", "check_name": "counts_as_expected"}.items() <= {
        key: value
        for check in status["failed_checks"]
        if check["check_name"] == "counts_as_expected"
        for key, value in check.items()
    }.items()
    assert printed.index("Failed checks") < printed.index("Loads")
    assert "Assets, last materialised" not in printed
    assert "marts/price_indices" in demo[0].run("status", "--all").stdout


def test_the_summary_of_the_demo_agrees_with_the_status(
    demo: tuple[CommandLine, str], demo_status: tuple[dict, str]
) -> None:
    status, printed = demo_status
    passed = f"Checks: {status['checks'] - len(status['failed_checks'])} of {status['checks']} passed"
    assert passed in demo[1]
    assert passed in printed
    assert all(f"{check['asset']} {check['check_name']}" in demo[1] for check in status["failed_checks"])


def test_every_run_of_the_command_line_is_on_the_timeline_and_can_be_run_again(user_interface: str) -> None:
    data = _graphql(
        user_interface,
        "{runsOrError{...on Runs{results{runId pipelineName hasReExecutePermission assetSelection{path}"
        " repositoryOrigin{repositoryName repositoryLocationName} tags{key}}}}}",
    )
    runs = data["runsOrError"]["results"]
    assert len(runs) >= 8
    for run in runs:
        assert run["repositoryOrigin"] == {
            "repositoryName": "__repository__",
            "repositoryLocationName": "ons_bigdata.definitions",
        }
        assert run["hasReExecutePermission"]
        assert not [tag["key"] for tag in run["tags"] if "process" in tag["key"]]
    small = next(run for run in runs if run["assetSelection"] == [{"path": ["raw", "scope_labels"]}])
    launched = _graphql(
        user_interface,
        "mutation($p: ReexecutionParams!) {launchRunReexecution(reexecutionParams: $p)"
        " {__typename ...on LaunchRunSuccess {run {runId}} ...on PythonError {message}}}",
        {"p": {"parentRunId": small["runId"], "strategy": "ALL_STEPS"}},
    )["launchRunReexecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    deadline = time.monotonic() + 120
    status = ""
    while time.monotonic() < deadline and status not in ("SUCCESS", "FAILURE", "CANCELED"):
        time.sleep(1)
        found = _graphql(
            user_interface,
            "query($r: ID!) {runOrError(runId: $r) {...on Run {status}}}",
            {"r": launched["run"]["runId"]},
        )
        status = found["runOrError"]["status"]
    assert status == "SUCCESS"


def test_doctor_finds_the_installation_sound(demo: tuple[CommandLine, str]) -> None:
    printed = demo[0].run("doctor").stdout
    assert "fault" not in printed
    assert "every file of the ledger is there" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["materialize", "--select", "raw/price_quotes"], "say which with --from and --to"),
        (["materialize", "--select", "tag:pilot=prices", "--from", "1999-01-01"], "runs from 2014-06-01"),
        (["query", "select * from nowhere"], 'relation "nowhere" does not exist'),
        (["query", "drop table raw.price_quotes"], "read-only transaction"),
        (["ingest", "prices", "no/such/file"], "no such file or directory"),
        (["query", "select 1", "--format", "xml"], "xml"),
        (["up", "--host", "0.0.0.0"], "has no sign-on"),  # noqa: S104  (that it is refused is the point)
    ],
)
def test_bad_usage_over_a_database_is_exit_code_2_with_a_reason(
    demo: tuple[CommandLine, str], arguments: list[str], words: str
) -> None:
    finished = demo[0].run(*arguments, code=2)
    assert words in " ".join(finished.stderr.split())


def test_query_formats(demo: tuple[CommandLine, str]) -> None:
    text = "select 'a,\"b' as x, 1.5::float8 as y, array['p','q'] as z, null as n"
    assert demo[0].run("query", text, "--format", "csv").stdout == 'x,y,z,n\n"a,""b",1.5,"[""p"", ""q""]",\n'
    assert demo[0].query(text) == [{"x": 'a,"b', "y": 1.5, "z": ["p", "q"], "n": None}]
    assert "1 row" in demo[0].run("query", text).stdout


def test_nothing_is_pickled(demo: tuple[CommandLine, str]) -> None:
    """No file of the state folder's Dagster, landing and logs is a pickle."""
    home = demo[0].home
    looked_at = 0
    for folder in ("dagster", "landing", "logs", "run", "demo"):
        for path in (home / folder).rglob("*"):
            if path.is_file():
                looked_at += 1
                assert path.suffix not in {".pickle", ".pkl"}
                with path.open("rb") as file:
                    start = file.read(2)
                assert not (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"), path
    assert looked_at > 90
    assert pickletools.opcodes  # the two bytes above are its PROTO opcode and version


@pytest.fixture(scope="module")
def user_interface(demo: tuple[CommandLine, str]) -> Iterator[str]:
    """Start web interface and daemon over the demo's state; give the address."""
    command, _ = demo
    port = _free_port()
    printed = command.run("up", "--port", str(port)).stdout
    assert f"DAGSTER_HOME={command.home / 'dagster'}" in printed
    yield f"http://127.0.0.1:{port}"
    assert "webserver" in command.run("down").stdout
    assert command.run("down").stdout.strip() == "Nothing was running."


def _graphql(address: str, query: str, variables: dict | None = None) -> dict:
    request = urllib.request.Request(  # noqa: S310  (loopback)
        f"{address}/graphql",
        data=json.dumps({"query": query, "variables": variables or {}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return json.load(response)["data"]


def test_every_asset_has_complete_metadata(user_interface: str) -> None:
    data = _graphql(
        user_interface,
        "{assetNodes{assetKey{path} groupName description owners{...on TeamAssetOwner{team}} kinds"
        " tags{key value} isPartitioned isMaterializable backfillPolicy{policyType}"
        " metadataEntries{label ...on TableSchemaMetadataEntry{schema{columns{name description}}}}}}",
    )
    nodes = {"/".join(node["assetKey"]["path"]): node for node in data["assetNodes"]}
    assert {"landing/price_scrapes", "raw/price_quotes", "staging/stg_prices__quotes", "marts/price_indices"} <= set(
        nodes
    )
    for key, node in nodes.items():
        assert node["description"], key
        assert node["owners"], key
        assert node["kinds"], key
        areas = [tag["value"] for tag in node["tags"] if tag["key"] == "area"]
        pilots = [tag["value"] for tag in node["tags"] if tag["key"] == "pilot"]
        groups = [f"{pilot}_{area}" for pilot, area in zip(pilots, areas, strict=True)]
        assert [node["groupName"]] == (["platform"] if key.startswith("ops/") else groups), key
        assert set(groups) <= {group for pilot in PILOTS for group in pilot.groups}, key
        if node["isMaterializable"]:
            columns = [
                column
                for entry in node["metadataEntries"]
                if entry["label"] == "dagster/column_schema"
                for column in entry["schema"]["columns"]
            ]
            assert columns, key
            assert all(column["description"] for column in columns), key
        if node["isPartitioned"]:
            # a scrape is a run of one retailer and day
            policy = "MULTI_RUN" if key in ("raw/scrape_runs", "raw/scrape_categories") else "SINGLE_RUN"
            assert node["backfillPolicy"]["policyType"] == policy, key


def test_the_daily_schedule_is_there_and_off(user_interface: str) -> None:
    data = _graphql(
        user_interface,
        '{repositoryOrError(repositorySelector:{repositoryName:"__repository__",'
        'repositoryLocationName:"ons_bigdata.definitions"}){...on Repository{schedules{name cronSchedule'
        " executionTimezone scheduleState{status}}}}}",
    )
    assert data["repositoryOrError"]["schedules"] == [
        {
            "name": name,
            "cronSchedule": cron,
            "executionTimezone": zone,
            "scheduleState": {"status": "STOPPED"},
        }
        for name, cron, zone in (
            ("meters_monthly_schedule", "0 4 2 * *", "UTC"),
            ("phones_daily_schedule", "0 4 * * *", "UTC"),
            ("phones_monthly_schedule", "0 6 15 * *", "Europe/London"),
            ("price_scrapes_schedule", "5 8 * * *", "Europe/London"),
            ("prices_daily_schedule", "35 9 * * *", "Europe/London"),
            ("tweets_daily_schedule", "30 3 * * *", "UTC"),
        )
    ]


def test_a_range_of_days_chosen_in_the_interface_is_one_run_of_its_job_whose_checks_are_recorded(
    user_interface: str, demo: tuple[CommandLine, str]
) -> None:
    """Ask for three days of two assets as the interface does; the daemon makes one run of it."""
    wanted = {
        "assetSelection": [{"path": ["raw", "price_quotes"]}, {"path": ["staging", "stg_prices__quotes"]}],
        "partitionNames": ["2016-05-16", "2016-05-17", "2016-05-18"],
    }
    launched = _graphql(
        user_interface,
        "mutation($p: LaunchBackfillParams!) {launchPartitionBackfill(backfillParams: $p)"
        " {...on LaunchBackfillSuccess {backfillId}}}",
        {"p": wanted},
    )
    backfill = launched["launchPartitionBackfill"]["backfillId"]
    deadline = time.monotonic() + 240
    runs: list[dict] = []
    while time.monotonic() < deadline and [run["status"] for run in runs] not in (["SUCCESS"], ["FAILURE"]):
        time.sleep(2)
        found = _graphql(
            user_interface,
            "query($b: String!) {partitionBackfillOrError(backfillId: $b)"
            " {...on PartitionBackfill {runs(limit: 10) {runId jobName status tags {key value}}}}}",
            {"b": backfill},
        )
        runs = found["partitionBackfillOrError"]["runs"]
    assert [run["status"] for run in runs] == ["SUCCESS"]
    tags = {tag["key"]: tag["value"] for tag in runs[0]["tags"]}
    assert tags["dagster/asset_partition_range_start"] == "2016-05-16"
    assert tags["dagster/asset_partition_range_end"] == "2016-05-18"
    assert runs[0]["jobName"] == "prices_daily"
    recorded = demo[0].query(
        f"select check_name, partitions from ops.check_evaluations where run_id = '{runs[0]['runId']}'"
        " and check_name = 'stg_prices__quotes_median_price_in_pounds'"
    )
    assert [row["partitions"] for row in recorded] == [["2016-05-16", "2016-05-17", "2016-05-18"]]


def test_the_interface_takes_a_named_job_first(user_interface: str) -> None:
    data = _graphql(user_interface, '{assetNodes(assetKeys: [{path: ["marts", "price_indices"]}]) {jobNames}}')
    parts = ("meters_monthly", "phones_daily", "phones_monthly", "prices_daily", "tweets_daily", "whole")
    together = [f"all_pilots_{part}" for part in parts]
    assert data["assetNodes"][0]["jobNames"] == ["prices_daily", "prices_whole", *together, "__ASSET_JOB"]


@pytest.mark.browser
def test_lineage_partitions_and_docs_in_the_browser(
    user_interface: str, demo: tuple[CommandLine, str], tmp_path: Path
) -> None:
    chromium = os.environ.get("CHROMIUM")
    if not chromium:
        assert not os.environ.get("ONS_BIGDATA_REQUIRE_CHROMIUM"), "no Chromium, and it is required"
        pytest.skip("no Chromium: set CHROMIUM to its path")
    playwright = pytest.importorskip("playwright.sync_api")
    docs = demo[0].home / "dbt" / "docs" / "index.html"
    foreign: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.on(
            "request",
            lambda request: (
                foreign.append(request.url)
                if not re.match(r"(http://127\.|file:|data:|blob:|ws:)", request.url)
                else None
            ),
        )
        # the group is too large to show names; an area does
        page.goto(f"{user_interface}/asset-groups~tag%3Aarea%3Dindices", wait_until="domcontentloaded")
        page.get_by_text("aggregate_price_indices").first.wait_for(timeout=60_000)
        assert page.get_by_text("price_quality_report").count() == 0
        page.goto(f"{user_interface}/timeline", wait_until="domcontentloaded")
        page.get_by_text("prices_daily").first.wait_for(timeout=60_000)  # runs of the command line, by job
        assert page.get_by_text("Jobless asset materializations").count() == 0
        page.goto(f"{user_interface}/assets/raw/price_quotes?view=partitions", wait_until="domcontentloaded")
        page.get_by_text("Materialized (28)").wait_for(timeout=60_000)
        page.goto(f"{user_interface}/assets/marts/price_quote_counts?view=checks", wait_until="domcontentloaded")
        page.get_by_text("counts_as_expected").first.wait_for(timeout=60_000)
        page.goto(f"{docs.as_uri()}#!/model/model.ons_bigdata.price_indices", wait_until="domcontentloaded")
        page.get_by_text("one row per", exact=False).first.wait_for(timeout=60_000)
        page.screenshot(path=tmp_path / "docs.png")
        page.goto(f"{user_interface}/pages/dbt/", wait_until="domcontentloaded")
        page.get_by_text("Big-data sources turned into official statistics").first.wait_for(timeout=60_000)
        _look_at_reports(browser, user_interface)
        browser.close()
    assert foreign == []


def _look_at_reports(browser: Any, address: str) -> None:
    """Follow the link from the last report to the day before; look at it on a phone, in the dark, on paper."""
    page = browser.new_page(viewport={"width": 360, "height": 800}, color_scheme="dark")
    page.goto(f"{address}/pages/reports/prices/")
    last = page.locator("h1").inner_text()
    page.click("nav a[rel=prev]")
    assert page.locator("h1").inner_text() < last
    assert page.locator("figure svg").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    cut = page.eval_on_selector_all(
        "h1, h2, h3, p, figcaption, caption, figure svg text",
        "nodes => nodes.filter(n => n.getBoundingClientRect().right > innerWidth).map(n => n.textContent)",
    )
    assert cut == []
    paper, ink = (
        page.evaluate(f"getComputedStyle(document.querySelector('{place}')).{name}")
        for place, name in (("body", "backgroundColor"), ("figure svg text", "fill"))
    )
    assert (paper, ink) == ("rgb(21, 24, 28)", "rgb(236, 236, 236)")
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.count(b"/Type /Page\n") <= 2
    page.close()


def test_plain_dagster_finds_the_same_instance(demo: tuple[CommandLine, str], user_interface: str) -> None:
    """`dagster` with DAGSTER_HOME and workspace.yaml needs nothing of ours around it."""
    command, _ = demo
    finished = subprocess.run(
        [str(Path(command.command()[0]).with_name("dagster")), "schedule", "list", "-w", "workspace.yaml"],
        cwd=ROOT,
        env={**command.environment(), "DAGSTER_HOME": str(command.home / "dagster")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "prices_daily_schedule [STOPPED]" in finished.stdout, finished.stderr
