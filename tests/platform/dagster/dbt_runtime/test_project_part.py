"""The part of a dbt project that a call reads: what dbt selects in it is what it selects in the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ons_bigdata.platform.dagster import dbt_calls
from ons_bigdata.platform.dagster.dbt_runtime.project_part import project_part
from ons_bigdata.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection

    from dbt.contracts.graph.manifest import Manifest


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a state whose project is parsed, without a server."""
    return Settings(home=tmp_path_factory.mktemp("part"), database_url=None)


@pytest.fixture(scope="module")
def project(offline: Settings) -> Manifest:
    """The project of this repository."""
    return dbt_calls.parsed_project(offline)


def _selected(settings: Settings, project: Manifest, chosen: Collection[str]) -> set[str]:
    """Names of the nodes that a build of the chosen ones would build and test."""
    words = ["ls", "--output", "name", "--indirect-selection", "buildable", "--exclude-resource-type", "unit_test"]
    words += ["--select", " ".join(".".join(project.nodes[name].fqn) for name in sorted(chosen))]
    target, connection = settings.dbt_dir / "target", dbt_calls.PARSING
    result = dbt_calls.call(settings, words, target=target, project=project, connection=connection)
    assert result.success, result.exception
    return set(result.result)


@pytest.mark.parametrize(
    "names",
    [
        ("seed.ons_bigdata.retailers", "seed.ons_bigdata.items"),
        ("model.ons_bigdata.int_prices__quotes_accepted",),
        ("model.ons_bigdata.price_revisions", "model.ons_bigdata.int_prices__quotes_scoped"),
    ],
)
def test_a_part_has_the_tests_that_the_whole_has(offline: Settings, project: Manifest, names: tuple[str, ...]) -> None:
    part = project_part(project, names)
    assert set(names) <= set(part.nodes) < set(project.nodes)
    selected = _selected(offline, part, names)
    assert selected == _selected(offline, project, names)
    assert len(selected) > len(names)


def test_a_part_is_closed_and_leaves_the_whole_as_it_is(project: Manifest) -> None:
    before = set(project.nodes), set(project.sources), set(project.unit_tests)
    part = project_part(project, ["model.ons_bigdata.int_prices__quotes_accepted"])
    known = {*part.nodes, *part.sources}
    assert all(known.issuperset(node.depends_on_nodes) for node in part.nodes.values())
    assert {node.resource_type for node in part.nodes.values()} == {"model", "seed", "test"}
    assert not any("tweets" in node.original_file_path for node in part.nodes.values())
    assert before == (set(project.nodes), set(project.sources), set(project.unit_tests)) and before[2]


def test_a_part_for_a_test_alone_has_what_it_compares(project: Manifest) -> None:
    test = next(
        name for name, node in project.nodes.items() if len(node.depends_on_nodes) > 1 and name.startswith("test.")
    )
    part = project_part(project, [test])
    assert test in part.nodes
    assert {*part.nodes, *part.sources}.issuperset(project.nodes[test].depends_on_nodes)
