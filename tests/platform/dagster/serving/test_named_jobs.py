"""Jobs of runs that the web interface and the daemon start."""

import dagster as dg
from dagster._core.execution import submit_asset_runs

from ons_bigdata.platform.dagster.serving import named_jobs

JOBS = {
    "quotes": {"__ASSET_JOB", "prices_daily"},
    "labels": {"__ASSET_JOB", "prices_daily", "prices_whole"},
    "homes": {"__ASSET_JOB", "all_pilots_whole", "meters_whole"},
    "bills": {"__ASSET_JOB", "meters_monthly"},
}


class Graph:
    """Jobs of assets, as the daemon asks for them."""

    def get_materialization_job_names(self, key: dg.AssetKey) -> list[str]:
        return sorted(JOBS[key.path[-1]])

    def asset_keys_for_job(self, name: str) -> set[str]:
        return {asset for asset, jobs in JOBS.items() if name in jobs}


def job(*names: str) -> str | None:
    return named_jobs.smallest_common_job(Graph(), [dg.AssetKey(["raw", name]) for name in names])  # type: ignore[arg-type]


def test_the_daemon_takes_the_smallest_named_job_and_the_implicit_one_only_without_any() -> None:
    assert job("quotes", "labels") == "prices_daily"
    assert job("labels") == "prices_whole"
    assert job("homes") == "meters_whole"  # all_pilots_whole is as small
    assert job("quotes", "bills") == "__ASSET_JOB"
    assert named_jobs.named_first(JOBS["labels"]) == ["prices_daily", "prices_whole", "__ASSET_JOB"]


def test_the_part_of_dagster_that_is_replaced_is_there() -> None:
    original = submit_asset_runs._get_implicit_job_name_for_assets
    assert original(Graph(), [dg.AssetKey(["raw", "labels"])]) == "__ASSET_JOB"  # type: ignore[arg-type]
