"""Scrape runs as assets: landed, recorded, repeated, completed after a kill, read again, checked, scheduled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from typer.testing import CliRunner

from ons_bigdata import cli, pilot_commands
from ons_bigdata.commands import reparse, scrape
from ons_bigdata.commands.reparse import reparse_prices
from ons_bigdata.commands.scrape import ScrapedRun, _latest, scrape_prices
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import load_waiting
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices import automation
from ons_bigdata.prices.assets.collection import scrapes as assets
from ons_bigdata.prices.checks.collection import scrapes as checks
from ons_bigdata.prices.sources.price_files import PRICE_FILES, READER, adapter_for
from ons_bigdata.prices.sources.retailer_files import read_retailer_file
from ons_bigdata.prices.sources.retailers import SEED
from ons_bigdata.prices.sources.scraping import landed, reparsing
from ons_bigdata.prices.sources.scraping.launch import crawl
from ons_bigdata.prices.sources.scraping.pages import KeptPage, decoded_page
from ons_bigdata.settings import Settings
from tests.prices.sources.scraping.pages_of_shops import FAMILIES, departments, line, retailer_text, shelf
from tests.prices.sources.scraping.small_shop import SmallShop, serving

DAY = date(2016, 5, 28)
KEY = dg.MultiPartitionKey({"day": "2016-05-28", "retailer": "sim-alder"})
CATEGORIES = [
    {"item_number": 210111, "item_name": "White sliced loaf", "category": "White Bread"},
    {"item_number": 210113, "item_name": "Wholemeal sliced loaf", "category": "Brown Bread"},
]


@pytest.fixture
def shop() -> Iterator[SmallShop]:
    with serving(SmallShop()) as one:
        one.responses |= {
            "/": departments(White_Bread="/white", Bakery="/bakery"),
            "/white": shelf(line(1), line(2, "99p"), line(3, "soon")),
        }
        yield one


@pytest.fixture
def scraping(shop: SmallShop, settings: Settings, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a contact and a retailer file of the shop; the assets use them, and the test's landing."""
    mine = settings.model_copy(update={"scraper_contact": "prices@example.org"})
    mine.retailers_dir.mkdir(parents=True)
    _write(mine, shop)
    monkeypatch.setattr(assets, "get_settings", lambda: mine)
    monkeypatch.setattr(automation, "get_settings", lambda: mine)
    monkeypatch.setattr(WarehouseResource, "open", lambda _: landing.warehouse)
    monkeypatch.setattr(WarehouseResource, "landing", lambda _: landing)
    return mine


def _write(settings: Settings, shop: SmallShop, **changes: Any) -> Path:
    path = settings.retailers_dir / "sim-alder.yaml"
    path.write_text(retailer_text("html_list", shop.address, categories=CATEGORIES, **changes))
    return path


def _rebuilt(landing: Landing) -> list[tuple[str, float]]:
    load_waiting(landing, PRICE_FILES, adapter_for({"sim-alder": "simulated"}).read)
    return landing.warehouse.rows("select product_name, price_gbp from raw.price_quotes order by run_id, line")


def _check(check: dg.AssetChecksDefinition) -> dg.AssetCheckResult:
    result = check(WarehouseResource())  # type: ignore[call-arg]
    assert isinstance(result, dg.AssetCheckResult)
    return result


def _listed(check: dg.AssetChecksDefinition) -> str:
    result = _check(check)
    assert not result.passed
    return str(result.metadata["which"].value)


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)


ALL_CHECKS = (
    checks.pages_match_ledger,
    checks.quote_files_hold_recorded_rows,
    checks.manners_kept,
    checks.latest_runs_finished,
    checks.latest_categories_whole,
)


def test_a_day_of_a_retailer_from_the_shop_to_the_table_and_again(
    shop: SmallShop, scraping: Settings, landing: Landing
) -> None:
    # one run by Dagster: one partition, both tables
    result = dg.materialize([assets.scrape_runs], partition_key=KEY, resources={"warehouse": WarehouseResource()})
    assert result.success
    warehouse = landing.warehouse
    run = warehouse.frame("select * from raw.scrape_runs").row(0, named=True)
    assert (run["run_id"], run["collected_on"], run["rows"]) == ("sim-alder-20160528080500", DAY, 2)
    assert (run["parse_failures"], run["categories_found"], run["categories_missing"]) == (1, 1, 1)
    assert run["user_agent"].endswith("(+prices@example.org)")
    assert run["site_dated_at"].isoformat() == "2016-05-28T07:05:00+00:00"
    assert warehouse.rows("select category, item_number, state from raw.scrape_categories order by category") == [
        ("Bakery", None, "unknown"),
        ("Brown Bread", 210113, "missing"),
        ("White Bread", 210111, "collected"),
    ]
    event, categories = result.asset_materializations_for_node("scrape_runs")
    assert "--from 2016-05-28 --to 2016-05-28" in str(event.metadata["rows_are_built_by"].value)
    assert [one.metadata["dagster/row_count"].value for one in (event, categories)] == [1, 3]
    assert _rebuilt(landing) == [("Loaf & 1 800G", 1.5), ("Loaf & 2 800G", 0.99)]
    assert warehouse.rows("select reason, content from ops.quarantine") == [
        ("no price: Loaf & 3 800G", f"White Bread: {shop.address}/white")
    ]
    assert not list((scraping.home / "spool" / "price_pages" / "sim-alder").glob("*"))
    assert [_check(check).passed for check in ALL_CHECKS] == [True, True, True, True, False]

    # the day again: a new run beside the first, its rows too
    shop.responses["/white"] = shelf(line(1, "£1.60"))
    again = assets.collect(landing, scraping, "sim-alder", DAY)
    assert again.run["run_id"] == "sim-alder-20160528080501"
    assert len(_rebuilt(landing)) == 3

    # the extractor mended: the first run's pages give other rows under the same name
    names = {**FAMILIES["html_list"]["selectors"], "name": "div.desc h3 > a::attr(id)"}
    file = read_retailer_file(_write(scraping, shop, selectors=names))
    pages = next(file for file in landing.files() if file.name == "sim-alder_pages_20160528080500.warc.gz")
    reparsed = reparsing.reparse_run(landing, file, pages)
    assert (reparsed.rows, reparsed.rows_changed, reparsed.parse_failures) == (2, 4, 1)
    assert landing.pending_partitions(READER) == [DAY.isoformat()]
    assert _rebuilt(landing)[:2] == [("h-1", 1.5), ("h-2", 0.99)]
    assert _check(checks.quote_files_hold_recorded_rows).passed
    unchanged = reparsing.reparse_run(landing, file, pages)
    assert unchanged.rows_changed == 0

    # a retailer file that reads nothing of it changes nothing
    astray = read_retailer_file(_write(scraping, shop, selectors={**names, "product": "div.none"}))
    with pytest.raises(InputError, match=r"sim-alder_pages_20160528080500\.warc\.gz: no product can be read, but"):
        reparsing.reparse_run(landing, astray, pages)
    assert _check(checks.quote_files_hold_recorded_rows).passed
    assert len(_rebuilt(landing)) == 3

    # each check is red on its own fault
    _execute(warehouse, "update raw.scrape_categories set state = 'collected', reason = null")
    _execute(warehouse, "update raw.scrape_runs set parse_failures = 1")
    assert "sim-alder, (navigation) (all items): failed, 1 entries not read" in _listed(checks.latest_categories_whole)
    _execute(warehouse, "update raw.scrape_runs set parse_failures = 0")
    assert _check(checks.latest_categories_whole).passed
    _execute(warehouse, "update raw.scrape_categories set reason = 'changed markup'")
    _execute(warehouse, "update raw.scrape_runs set rows = 7, robots_obeyed = false, finish_reason = 'budget'")
    assert [_check(check).passed for check in ALL_CHECKS] == [True, False, False, False, False]
    landing.path(pages).write_bytes(b"other")
    _execute(warehouse, "delete from raw.scrape_runs where run_id = 'sim-alder-20160528080501'")
    assert not _check(checks.pages_match_ledger).passed


def test_a_category_that_was_cut_off_stays_failed_when_it_is_read_again(
    shop: SmallShop, scraping: Settings, landing: Landing
) -> None:
    shop.responses |= {
        "/": departments(White_Bread="/white", Brown_Bread="/brown"),
        "/white": shelf(line(1), line(2, "soon"), following="/white?page=2"),
        "/white?page=2": shelf(line(3), following="/white"),
        "/brown": shelf(line(4), following="/brown?page=2"),
    }
    _write(scraping, shop, request_budget=5)  # robots.txt, start, two white pages, one brown
    run = assets.collect(landing, scraping, "sim-alder", DAY)
    assert run.run["finish_reason"] == "budget"
    white = ("failed", "page 2: not whole: pages go in a circle; 1 of 3 not read: no price: Loaf & 2 800G")
    brown = ("failed", "not whole: request budget of 5 is spent")
    assert _categories(landing) == {"White Bread": white, "Brown Bread": brown}
    told = _latest(landing.warehouse, "sim-alder", DAY.isoformat())
    assert told == ScrapedRun("sim-alder-20160528080500", "budget", 5, 3, 1, 2, 0, 2)  # two of its categories failed
    pages = next(file for file in landing.files() if file.name.endswith(".warc.gz"))

    # whatever the retailer file says of the next page: those pages were not collected
    selectors = {
        **FAMILIES["html_list"]["selectors"],
        "price": "span.linePriceAbbr",
    }  # of a product without a price, too
    for changed in (FAMILIES["html_list"]["selectors"], {**selectors, "next_page": "a.none"}):
        file = read_retailer_file(_write(scraping, shop, selectors=changed, patterns=AMOUNT_ALONE))
        reparsing.reparse_run(landing, file, pages)
        assert _categories(landing)["Brown Bread"] == brown
        state, reason = _categories(landing)["White Bread"]
        assert (state, str(reason).split(";")[0]) == ("failed", "page 2: not whole: pages go in a circle")
    assert _categories(landing)["White Bread"][1] == "page 2: not whole: pages go in a circle"  # all three are read

    # one that was not read stays failed as long as the pages, read, link a page that was not kept
    _execute(landing.warehouse, "update raw.scrape_categories set state = 'failed', reason = 'changed markup'")
    file = read_retailer_file(_write(scraping, shop))
    reparsing.reparse_run(landing, file, pages)
    assert _categories(landing)["Brown Bread"] == ("failed", "the page after page 1 was not collected")
    reparsing.reparse_run(
        landing, read_retailer_file(_write(scraping, shop, selectors=selectors_alone(), patterns=AMOUNT_ALONE)), pages
    )
    assert _categories(landing)["Brown Bread"] == ("collected", None)


AMOUNT_ALONE = {"id": "^h-(.+)$", "price": "£([0-9.]+)"}
"""Patterns by which the amount of a unit price passes for the price: a fault of a retailer file, and changes rows."""


def selectors_alone() -> dict[str, str]:
    """Return selectors by which no page follows another."""
    return {key: css for key, css in FAMILIES["html_list"]["selectors"].items() if key != "next_page"}


def _categories(landing: Landing) -> dict[str, tuple[str, str | None]]:
    rows = landing.warehouse.rows("select category, state, reason from raw.scrape_categories where item_number > 0")
    return {category: (state, reason) for category, state, reason in rows}


def test_a_complete_outcome_of_a_killed_run_is_landed_first_and_a_broken_one_removed(
    shop: SmallShop, scraping: Settings, landing: Landing
) -> None:
    folder = scraping.home / "spool" / "price_pages" / "sim-alder"
    path = scraping.retailers_dir / "sim-alder.yaml"
    crawl(path, folder / "whole", day=DAY, agent="x (+y)", after=None)  # killed before its outcome was landed
    (folder / "broken").mkdir()
    (folder / "broken" / "pages.warc.gz.tmp").write_bytes(b"half")
    assets._land_interrupted_crawls(landing, folder, "simulated")
    assert landing.warehouse.rows("select run_id from raw.scrape_runs") == [("sim-alder-20160528080500",)]
    assert not list(folder.glob("*"))
    assert len(_rebuilt(landing)) == 2
    assert landed.latest_start(landing, "sim-alder", DAY) == datetime(
        2016, 5, 28, 8, 5, tzinfo=ZoneInfo("Europe/London")
    )
    assert landed.latest_start(landing, "sim-alder", date(2016, 5, 29)) is None


def test_no_run_starts_that_must_not(shop: SmallShop, scraping: Settings, landing: Landing) -> None:
    def collect(settings: Settings = scraping) -> None:
        assets.collect(landing, settings, "sim-alder", DAY)

    with pytest.raises(InputError, match="no scrape without a contact"):
        collect(scraping.model_copy(update={"scraper_contact": None}))
    with landing.warehouse.transaction() as other:
        other.lock("scrape", "sim-alder")
        with pytest.raises(UnavailableError):
            collect()
    (scraping.retailers_dir / "sim-alder.yaml").write_text(
        retailer_text("html_list", "https://shop.example", clock="real", delay_s=2)
    )
    with pytest.raises(InputError, match=r"sim-alder is simulated, and its site https://shop\.example is not on this"):
        collect()
    (scraping.retailers_dir / "sim-alder.yaml").unlink()
    with pytest.raises(InputError, match="no retailer file"):
        collect()
    assert shop.paths == []


def test_the_commands_name_what_is_missing(scraping: Settings) -> None:
    with pytest.raises(InputError, match="unknown retailer oak; known: sainsbury, sim-alder"):
        scrape_prices(scraping, retailers=["oak"])
    with pytest.raises(InputError, match="sim-alder: the site has a clock of its own; give its day with --day"):
        scrape_prices(scraping)
    with pytest.raises(InputError, match="no kept pages of sim-alder from 2016-05-28 to the last"):
        reparse_prices(scraping, retailer="sim-alder", first_day="2016-05-28")
    with pytest.raises(InputError, match="expected a day YYYY-MM-DD"):
        reparse_prices(scraping, first_day="yesterday")


def test_one_faulty_retailer_file_and_a_held_lock_stop_no_other_retailer(
    shop: SmallShop, scraping: Settings, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "open_warehouse", lambda _: landing.warehouse)
    (scraping.retailers_dir / "sim-birch.yaml").write_text("x: 2016-13-45")
    wanted, faulty = scrape._retailers_to_scrape(scraping, [], "2016-05-28")
    assert wanted == ["sim-alder"]
    assert len(faulty) == 1
    assert "sim-birch.yaml: not YAML: month must be in 1..12" in faulty[0]
    with landing.warehouse.transaction() as other:
        other.lock("scrape", "sim-alder")
        summary = scrape_prices(scraping, retailers=["sim-alder"], day="2016-05-28", build=False)
    assert summary.unavailable == ["sim-alder"]
    assert "sim-alder" in summary.failures[0]
    assert shop.paths == []


def test_a_faulty_retailer_file_and_a_faulty_run_stop_no_other_run_that_is_read_again(
    scraping: Settings, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reparse, "open_warehouse", lambda _: landing.warehouse)
    monkeypatch.setattr(reparse, "Landing", lambda *_: landing)
    monkeypatch.setattr(pilot_commands, "get_settings", lambda: scraping)
    assets.collect(landing, scraping, "sim-alder", DAY)
    _rebuilt(landing)
    for retailer, content in {"sim-birch": b"", "sim-cedar": b"no pages", "sim-alder": b"damaged"}.items():
        landing.land(
            content or b"pages",
            source=landed.PAGES_SOURCE,
            delivery=retailer,
            name=f"{retailer}_pages_20160528090000.warc.gz",
            data_origin="simulated",
            partitions=[DAY.isoformat()],
        )
    (scraping.retailers_dir / "sim-birch.yaml").write_text("x: 2016-13-45")
    summary = reparse_prices(scraping)
    assert [run.run_id for run in summary.runs] == ["sim-alder-20160528080500"]
    alder, birch, cedar = sorted(summary.failures)
    assert "sim-alder_pages_20160528090000.warc.gz" in alder
    assert birch.startswith("sim-birch: ") and "not YAML" in birch
    assert cedar.startswith("sim-cedar: no retailer file")
    result = CliRunner().invoke(cli.app, ["reparse", "prices", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["failures"] == summary.failures
    with pytest.raises(InputError, match=r"sim-birch: .*not YAML"):
        reparse_prices(scraping, retailer="sim-birch")


def test_a_killed_crawl_leaves_a_record_of_its_requests(shop: SmallShop, scraping: Settings, landing: Landing) -> None:
    folder = scraping.home / "spool" / "price_pages" / "sim-alder"
    crawl(scraping.retailers_dir / "sim-alder.yaml", folder / "run", day=DAY, agent="x (+y)", after=None)
    pages = (folder / "run" / "pages.warc.gz").read_bytes()
    (folder / "run" / "pages.warc.gz").unlink()
    (folder / "run" / "outcome.json").unlink()
    (folder / "run" / "pages.warc.gz.tmp").write_bytes(pages + pages[:100])  # the kill came within a response
    assets._land_interrupted_crawls(landing, folder, "simulated")
    assert landing.warehouse.rows("select run_id, finish_reason, requests, pages_kept, rows from raw.scrape_runs") == [
        ("sim-alder-20160528080500", "killed", 3, 3, 0)
    ]
    assert landing.warehouse.rows("select source from ops.files") == [("price_pages",)]  # no quotes: no empty file
    again = assets.collect(landing, scraping, "sim-alder", DAY)
    assert again.run["run_id"] == "sim-alder-20160528080501"


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip, br"])
def test_a_page_that_cannot_be_decoded_is_a_failure_and_keeps_its_rows(
    shop: SmallShop, scraping: Settings, landing: Landing, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    assets.collect(landing, scraping, "sim-alder", DAY)
    before = _rebuilt(landing)
    assert len(before) == 2
    read = reparsing.read_pages

    def undecoded(content: bytes, *, name: str) -> Iterator[KeptPage]:
        for kept in read(content, name=name):
            page = kept.page
            if page.url.endswith("/white"):
                page = decoded_page(
                    url=page.url,
                    status=200,
                    content_type=page.content_type,
                    encodings=[encoding],
                    body=page.body,
                    collected_at=page.collected_at,
                )
            yield KeptPage(page, kept.context)

    monkeypatch.setattr(reparsing, "read_pages", undecoded)
    pages = next(file for file in landing.files() if file.name.endswith(".warc.gz"))
    result = reparsing.reparse_run(landing, read_retailer_file(scraping.retailers_dir / "sim-alder.yaml"), pages)
    assert (result.rows, result.rows_changed) == (2, 0)
    assert _rebuilt(landing) == before
    state, reason = _categories(landing)["White Bread"]
    assert (state, str(reason).split(":")[0]) == ("failed", f"Content-Encoding {encoding}")


def test_the_schedule_asks_for_one_run_of_each_known_retailer_with_a_file(scraping: Settings) -> None:
    (scraping.retailers_dir / "oak.yaml").write_text("")  # not in the vocabulary
    at = datetime(2016, 5, 28, 8, 5, tzinfo=ZoneInfo("Europe/London"))
    repository = dg.Definitions(
        assets=[assets.scrape_runs],
        schedules=[automation.scrape_schedule],
        jobs=[dg.define_asset_job("prices_scrape_runs")],
        resources={"warehouse": WarehouseResource()},
    ).get_repository_def()
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
    requests = automation.scrape_schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert [request.partition_key for request in requests] == ["2016-05-28|sim-alder"]
    (scraping.retailers_dir / "sim-alder.yaml").unlink()
    tick = automation.scrape_schedule.evaluate_tick(context)
    assert "no retailer file" in str(tick.skip_message)


def test_the_schedule_asks_for_a_weekly_retailer_on_its_weekday_alone(
    scraping: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = tmp_path / "dbt" / SEED
    seed.parent.mkdir(parents=True)
    seed.write_text("retailer,name,data_origin,rhythm\nsim-alder,Alder,simulated,weekly_friday\n", encoding="utf-8")
    elsewhere = scraping.model_copy(update={"dbt_project_dir": tmp_path / "dbt"})
    monkeypatch.setattr(automation, "get_settings", lambda: elsewhere)

    def tick(day: int) -> str:
        at = datetime(2016, 5, day, 8, 5, tzinfo=ZoneInfo("Europe/London"))
        repository = dg.Definitions(
            assets=[assets.scrape_runs],
            schedules=[automation.scrape_schedule],
            jobs=[dg.define_asset_job("prices_scrape_runs")],
            resources={"warehouse": WarehouseResource()},
        ).get_repository_def()
        context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
        found = automation.scrape_schedule.evaluate_tick(context)
        return str(found.skip_message or [request.partition_key for request in found.run_requests or []])

    assert tick(26) == "no retailer is due on Thursday 2016-05-26"
    assert tick(27) == "['2016-05-27|sim-alder']"


def test_partitions_are_days_and_the_closed_vocabulary_of_retailers() -> None:
    keys = assets.RETAILER_DAYS.get_partition_keys(
        current_time=datetime(2014, 6, 2, 12, tzinfo=ZoneInfo("Europe/London"))
    )
    assert "2014-06-01|sim-alder" in keys
    assert {key.split("|")[1] for key in keys} >= {"tesco", "sim-cedar"}
