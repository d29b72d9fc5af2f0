"""The part of a dbt project that a call reads: dbt links, orders and searches all nodes that it gets in each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt.contracts.graph.manifest import Manifest
from dbt.node_types import NodeType

if TYPE_CHECKING:
    from collections.abc import Collection


def project_part(project: Manifest, chosen: Collection[str]) -> Manifest:
    """Return a project of the nodes with the ids `chosen`, all that they depend on, and the tests of these alone.

    Without exposures and unit tests. A selection of the chosen nodes selects the same in it as in the whole project:
    of the tests that dbt adds (`buildable`), all parents are chosen or lie before a chosen node. The nodes are those of
    the project, and with them what dbt finds by their names.
    """
    kept = _with_ancestors(project, chosen)
    tests = {
        name
        for name, node in project.nodes.items()
        if node.resource_type == NodeType.Test and kept.issuperset(node.depends_on_nodes)
    }
    part = Manifest.__new__(Manifest)
    vars(part).update(vars(project))
    part.nodes = {name: node for name, node in project.nodes.items() if name in kept or name in tests}
    part.sources = {name: source for name, source in project.sources.items() if name in kept}
    part.exposures, part.unit_tests = {}, {}
    return part


def _with_ancestors(project: Manifest, chosen: Collection[str]) -> set[str]:
    """Nodes and sources that the chosen ones depend on, and these themselves."""
    kept: set[str] = set()
    waiting: list[str] = list(chosen)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept.add(name)
            node: Any = project.nodes.get(name)  # None: a source
            waiting += [] if node is None else node.depends_on_nodes
    return kept
