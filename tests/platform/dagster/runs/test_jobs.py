"""Jobs of pilots: which there are, and under which of them a run stands."""

from datetime import date
from pathlib import Path

import dagster as dg

from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.runs.jobs import job_of, pilot_jobs

DAYS = Calendar(Cadence.day, date(2014, 6, 1), "Europe/London")
MONTHS = Calendar(Cadence.month, date(2015, 1, 1), "Europe/London")
SHOP_DAYS = dg.MultiPartitionsDefinition(
    {"day": partitions_of(DAYS), "shop": dg.StaticPartitionsDefinition(["alder", "birch"])}
)


def asset(pilot: str, name: str, partitions: dg.PartitionsDefinition | None = None) -> dg.AssetsDefinition:
    by_time = isinstance(partitions, dg.TimeWindowPartitionsDefinition)

    @dg.asset(
        key=["raw", name],
        tags={"pilot": pilot},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run() if by_time else None,
    )
    def build() -> None:
        """Build nothing."""

    return build


ASSETS = [
    asset("prices", "quotes", partitions_of(DAYS)),
    asset("prices", "labels"),
    asset("prices", "scrapes", SHOP_DAYS),
    asset("meters", "readings", partitions_of(DAYS)),
    asset("meters", "bills", partitions_of(MONTHS)),
    asset("meters", "homes"),
]


def definitions(*pilots: str) -> dg.Definitions:
    assets = [one for one in ASSETS if next(iter(one.specs)).tags["pilot"] in pilots]
    return dg.Definitions(assets, jobs=pilot_jobs(assets, pilots), executor=dg.in_process_executor)


def jobs(*pilots: str) -> dict[str, list[str]]:
    return {
        job.name: sorted(key.path[-1] for key in job.asset_layer.executable_asset_keys)
        for job in definitions(*pilots).resolve_all_job_defs()
        if not job.name.startswith("__")
    }


def test_a_pilot_has_a_job_for_each_calendar_and_one_of_what_has_no_days() -> None:
    assert jobs("prices") == {
        "prices_daily": ["labels", "quotes"],
        "prices_whole": ["labels"],
        "prices_raw__scrapes": ["scrapes"],
    }


def test_several_pilots_have_jobs_of_all_of_them_besides() -> None:
    assert jobs("prices", "meters") == {
        **jobs("prices"),
        "meters_daily": ["homes", "readings"],
        "meters_monthly": ["bills", "homes"],
        "meters_whole": ["homes"],
        "all_pilots_daily": ["homes", "labels", "quotes", "readings"],
        "all_pilots_monthly": ["bills", "homes", "labels"],
        "all_pilots_whole": ["homes", "labels"],
    }


def test_calendars_of_one_cadence_that_differ_have_a_job_each_with_what_is_whole_of_all() -> None:
    events = asset("events", "posts", partitions_of(Calendar(Cadence.day, date(2008, 1, 1), "UTC")))
    assets = [*(one for one in ASSETS if next(iter(one.specs)).tags["pilot"] == "prices"), events]
    users = asset("events", "users")
    both = dg.Definitions([*assets, users], jobs=pilot_jobs([*assets, users], ["prices", "events"]))
    held = {
        job.name: sorted(key.path[-1] for key in job.asset_layer.executable_asset_keys)
        for job in both.resolve_all_job_defs()
        if job.name.startswith("all_pilots")
    }
    assert held == {
        "all_pilots_prices_daily": ["labels", "quotes", "users"],
        "all_pilots_events_daily": ["labels", "posts", "users"],
        "all_pilots_whole": ["labels", "users"],
    }
    whole_and_days = [dg.AssetKey(["raw", name]) for name in ("labels", "quotes", "users")]
    assert job_of(both, whole_and_days).name == "all_pilots_prices_daily"


def test_a_run_stands_under_the_smallest_job_that_holds_its_assets() -> None:
    both = definitions("prices", "meters")

    def job(*names: str) -> str:
        return job_of(both, [dg.AssetKey(["raw", name]) for name in names]).name

    assert job("quotes") == job("quotes", "labels") == "prices_daily"
    assert job("labels") == "prices_whole"
    assert job("scrapes") == "prices_raw__scrapes"
    assert job("bills", "homes") == "meters_monthly"
    assert job("quotes", "readings") == "all_pilots_daily"
    assert job("quotes", "bills") == "__ASSET_JOB"


def test_a_run_of_one_pilot_has_its_job_where_that_of_all_pilots_is_as_small() -> None:
    events = asset("events", "posts", partitions_of(Calendar(Cadence.day, date(2008, 1, 1), "UTC")))
    assets = [*(one for one in ASSETS if next(iter(one.specs)).tags["pilot"] == "prices"), events]
    both = dg.Definitions(assets, jobs=pilot_jobs(assets, ["prices", "events"]))
    assert job_of(both, [dg.AssetKey(["raw", "labels"])]).name == "prices_whole"


def test_a_run_of_a_command_has_the_name_and_origin_of_its_job(tmp_path: Path) -> None:
    prices = definitions("prices")
    with dg.DagsterInstance.ephemeral() as instance:
        keys = runs.select(prices, "raw/quotes")
        days = ("2016-07-21", "2016-07-22")
        outcome = runs.materialise(prices, keys, instance=instance, days=days, log=tmp_path / "log")
        run = instance.get_run_by_id(outcome.run_ids[0])
    assert outcome.assets == ["raw/quotes"]
    assert run is not None and run.remote_job_origin is not None
    assert run.job_name == run.remote_job_origin.job_name == "prices_daily"
    assert run.asset_selection == {dg.AssetKey(["raw", "quotes"])}
    assert run.tags["pilot"] == "prices"
