"""Selections of assets as a user types them: keys, neighbours, and Dagster's own selection syntax."""

from __future__ import annotations

import difflib
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

LISTED = 5
"""Nearest names that an error lists."""

_TERM = re.compile(r"^(?P<up>\*|\+*)(?P<key>[A-Za-z0-9_]+/[A-Za-z0-9_]+)(?P<down>\*|\+*)$")
_GROUP = re.compile(r'group:("?)(?P<name>\w+)\1(?!\w)')
_COMBINED = re.compile(r"[\s(),]|\b(?:and|or)\b", re.IGNORECASE)
"""Words and signs between groups of which a selection holds no other assets."""

_SYNTAX = (
    "expected schema/table, with + or * before it for what it reads and after it for what reads it, or Dagster's"
    " syntax (group:…, kind:…, tag:…, *)"
)


def select(definitions: dg.Definitions, selection: str) -> list[dg.AssetKey]:
    """Materialisable assets of a selection: `schema/table`, with `+` for neighbours, comma-separated.

    Also takes Dagster's own selection syntax (`group:<pilot>_<area>`, `kind:dbt`, `*`). Tables that one step writes
    together are selected together. Assets with exactly one
    partition per run are included only if they alone are named. Raises InputError for a malformed term (with what is
    expected), an unknown asset (with the nearest names) and a selection without any asset.
    """
    require_syntax(selection)
    graph = definitions.resolve_asset_graph()
    known = sorted(key.to_user_string() for key in graph.materializable_asset_keys)
    one_partition = {key for key in graph.materializable_asset_keys if takes_one_partition(graph, key)}
    chosen: set[dg.AssetKey] = set()
    for term in (part.strip() for part in selection.split(",")):
        chosen |= _resolve(term, known, graph)
    chosen &= graph.materializable_asset_keys
    chosen |= {table for key in chosen for table in _computed_together(graph, key)}
    if not chosen <= one_partition:
        terms = {part.strip() for part in selection.split(",")}
        named = sorted(key.to_user_string() for key in one_partition if key.to_user_string() in terms)
        if named:
            raise InputError(f"{', '.join(named)}: takes one partition a run; expected in a selection by itself")
        chosen -= one_partition
    if not chosen:
        hint = _nearest_groups(selection, graph)
        raise InputError(f"selection {selection!r} holds no asset that can be materialised{hint}")
    return sorted(chosen, key=lambda key: key.to_user_string())


def require_syntax(selection: str) -> None:
    """Raise InputError for a malformed term. Needs no definitions, which take seconds to load."""
    for term in (part.strip() for part in selection.split(",")):
        if not term:
            raise InputError(f"selection: found an empty term; {_SYNTAX}")
        if _TERM.match(term) is None and term != "*":
            try:
                _parsed(term)
            except (dg.DagsterError, ValueError) as error:
                raise InputError(f"selection {term!r}: {_SYNTAX}") from error


def groups_named(selection: str) -> set[str]:
    """Groups of a selection that names groups alone, with `or`, `and`, commas and brackets; else none.

    Without `not`, neighbours and wildcards, it selects no asset of any other group.
    """
    names = {match["name"] for match in _GROUP.finditer(selection)}
    return set() if _COMBINED.sub("", _GROUP.sub(" ", selection)) else names


def _nearest_groups(selection: str, graph: AssetGraph) -> str:
    """Name the groups that are most like those of a selection that no asset has; nothing where none is like them."""
    known = sorted({graph.get(key).group_name for key in graph.materializable_asset_keys})
    unknown = [match["name"] for match in _GROUP.finditer(selection) if match["name"] not in known]
    nearest = [name for wrong in unknown for name in difflib.get_close_matches(wrong, known, n=LISTED)]
    return f"; nearest groups: {', '.join(dict.fromkeys(nearest))}" if nearest else ""


def _computed_together(graph: AssetGraph, key: dg.AssetKey) -> set[dg.AssetKey]:
    """Tables that one step writes with an asset: none of them can be materialised alone."""
    return {other for other in graph.get(key).execution_set_entity_keys if isinstance(other, dg.AssetKey)}


def takes_one_partition(graph: AssetGraph, key: dg.AssetKey) -> bool:
    """True if a run of the asset has exactly one partition (as with partitions of two dimensions)."""
    return isinstance(graph.get(key).partitions_def, dg.MultiPartitionsDefinition)


def _resolve(term: str, known: Sequence[str], graph: AssetGraph) -> set[dg.AssetKey]:
    match = _TERM.match(term)
    if match and match["key"] not in known:
        raise InputError(f"no asset {match['key']!r}; {_nearest(match['key'], known)}")
    try:
        if match is None:
            with _without_beta_warnings():
                return set((dg.AssetSelection.all() if term == "*" else _parsed(term)).resolve(graph))
        found = set(_with_neighbours(match).resolve(graph))
        return found | _read_by_checks(graph, found) if match["up"] == "*" else found
    except (dg.DagsterError, ValueError) as error:
        alike = [name for name in known if name.split("/")[1] == re.split(r"[./]", term)[-1]]
        hint = f"; did you mean {alike[0]!r}?" if alike else ""
        raise InputError(f"selection {term!r}: {_SYNTAX}{hint}") from error


def _parsed(term: str) -> dg.AssetSelection:
    with _without_beta_warnings():
        return dg.AssetSelection.from_string(term)


@contextmanager
def _without_beta_warnings() -> Iterator[None]:
    """Keep back the warning about a parameter that Dagster itself sets for `group:…`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*include_sources.*", category=dg.BetaWarning)
        yield


def _with_neighbours(match: re.Match[str]) -> dg.AssetSelection:
    named = dg.AssetSelection.assets(match["key"].split("/"))
    selection: dg.AssetSelection = named
    if match["up"]:
        selection = selection.upstream(None if match["up"] == "*" else len(match["up"]))
    if match["down"]:
        selection |= named.downstream(None if match["down"] == "*" else len(match["down"]))
    return selection


def _read_by_checks(graph: AssetGraph, keys: set[dg.AssetKey]) -> set[dg.AssetKey]:
    """Assets that the checks of some assets read, with all that is before these, and what their own checks read."""
    checks = graph.get_check_keys_for_assets(keys)
    read = {key for check in checks for key in graph.get(check).parent_entity_keys if isinstance(key, dg.AssetKey)}
    added = set(dg.AssetSelection.assets(*read).upstream().resolve(graph)) - keys if read - keys else set()
    return added | _read_by_checks(graph, added) if added else added


def _nearest(key: str, known: Sequence[str]) -> str:
    """Name the known assets that are most alike."""
    # a name with only the schema wrong is nearer than a name whose letters agree by chance
    same_table = [name for name in known if name.split("/")[1] == key.split("/")[1]]
    alike = difflib.get_close_matches(key, known, n=LISTED, cutoff=0.5)
    nearest = list(dict.fromkeys([*same_table, *alike]))[:LISTED]
    if not nearest:
        return f"none of the {len(known)} known names is like it; `ons-bigdata status --all` lists them"
    return f"nearest: {', '.join(nearest)}"
