"""Named jobs for runs that the web interface and the daemon start: Dagster would call them jobless.

The web interface takes the first common job of the selected assets, the daemon (ranges of days, automation) the
implicit job. Neither has a public setting; a release that moves these parts fails in the tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster._core.execution import submit_asset_runs

from ons_bigdata.platform.dagster.runs.jobs import ALL_PILOTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import dagster as dg
    from dagster._core.definitions.assets.graph.remote_asset_graph import RemoteWorkspaceAssetGraph

IMPLICIT = "__"
"""Prefix of the jobs that Dagster makes."""


def prefer_in_web_interface() -> None:
    """List the named jobs of an asset or check before the implicit one. For the process of the webserver alone."""
    from dagster_graphql.schema.asset_checks import GrapheneAssetCheck  # noqa: PLC0415  (the daemon needs neither)
    from dagster_graphql.schema.asset_graph import GrapheneAssetNode  # noqa: PLC0415

    for kind in (GrapheneAssetNode, GrapheneAssetCheck):
        kind.resolve_jobNames = _named_first(kind.resolve_jobNames)  # type: ignore[method-assign]


def prefer_in_daemon() -> None:
    """Start runs without a job under a named one. For the process of the daemon alone."""
    submit_asset_runs._get_implicit_job_name_for_assets = smallest_common_job


def smallest_common_job(asset_graph: RemoteWorkspaceAssetGraph, asset_keys: Sequence[dg.AssetKey]) -> str | None:
    """Name of the named job with the fewest assets that holds all of them, of several a pilot's; else the implicit."""
    common = set.intersection(*(set(asset_graph.get_materialization_job_names(key)) for key in asset_keys))
    return min(
        common,
        key=lambda name: (
            name.startswith(IMPLICIT),
            len(asset_graph.asset_keys_for_job(name)),
            name.startswith(ALL_PILOTS),
            name,
        ),
        default=None,
    )


def named_first(names: Iterable[str]) -> list[str]:
    """Names of jobs in alphabetical order: those of a pilot, of several pilots, and last those that Dagster makes."""
    return sorted(names, key=lambda name: (name.startswith(IMPLICIT), name.startswith(ALL_PILOTS), name))


def _named_first(resolve: Any) -> Any:  # noqa: ANN401  (a resolver of GraphQL)
    def resolve_named_first(self: Any, info: Any) -> list[str]:  # noqa: ANN401
        return named_first(resolve(self, info))

    return resolve_named_first
