"""Aggregate price indices over a tree of any depth: Lowe, Young, Laspeyres and geometric means, chained at links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.prices.methods.aggregation.hierarchy import Hierarchy, hierarchy, nodes_and_leaves
from ons_bigdata.prices.methods.aggregation.price_updating import price_updated
from ons_bigdata.prices.methods.aggregation.steps import (
    MISSING,
    REENTRIES,
    Conventions,
    Course,
    State,
    compute_course,
    value_below,
)
from ons_bigdata.prices.methods.panels.input_checks import other_type, refuse_other_type, refuse_unsortable
from ons_bigdata.prices.methods.panels.period_calendar import refuse_unsorted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

FORMULAS = ("laspeyres", "young", "lowe", "geometric")
FORMULA_ALIASES = {
    "jevons": "geometric",
    "geomean": "geometric",
    "geometric_mean": "geometric",
    "geometric_young": "geometric",
    "weighted_jevons": "geometric",
}
_OUT = (
    "period",
    "link",
    "node",
    "parent",
    "index",
    "link_index",
    "weight",
    "mean",
    "imputed",
    "children",
    "children_absent",
    "reason",
)


def aggregate(
    indices: pl.DataFrame | pl.LazyFrame,
    weights: pl.DataFrame | pl.LazyFrame,
    tree: pl.DataFrame | pl.LazyFrame,
    *,
    formula: str = "laspeyres",
    missing: str = "parent",
    reentry: str = "resume",
    successions: pl.DataFrame | pl.LazyFrame | None = None,
) -> pl.DataFrame:
    """Average the indices of leaves into those of all nodes above them, period by period, chained at the links.

    `indices`: node (a leaf), period (any type that sorts), index (> 0 on any scale, null where there is none); with a
    column `link`, the scale of a leaf begins anew in each link, and its index in the link period itself is part of it;
    these links are those of weights and tree.
    The output of this function is such an input, too (two-stage aggregation): its indices are chained, so that its
    `link` (recognised by the column `link_index`) is not read. `weights`: node, weight (≥ 0; only shares
    among siblings matter; an inner node without one has the sum of its children's); optionally `link`, the period
    from which they hold, and `reference`, the period of their prices. `tree`: node, parent (null: a root); optionally
    `mean` ("arithmetic", "geometric": how the node averages its children), and `link`. Nodes are text or whole
    numbers. The links are the periods in the columns `link` of weights and tree together, without any the first
    period; rows hold from their link until the frame has rows of a later one. Weights that hold over a link of the
    tree may name nodes of another link's tree. In a link period the levels of the link before stand.

    `formula`: "laspeyres": Σw·I, weights = value shares at the prices of the link. "young": the same with weights of
    an earlier period, as they stand. "lowe": weights of the period `reference`, price-updated to the link: w·I(link)/
    I(reference). "geometric": exp(Σw ln I), weights as they stand. `tree.mean` goes before.
    `missing`, `reentry`: the treatment of nodes without a value, see `steps.Conventions`.
    `successions`: link, node, predecessor: a node that is new in a link starts at the level of its predecessors (the
    mean of their levels by their weights); without, at that of the nearest node above it that was there before. A node
    that was left out of a link is new when it returns.

    Gives one row per period and node of the link: period, link (from which the period is chained), node, parent (text),
    index (1 in the first period), link_index (the level in the link period, on which the node is chained; of a new node
    where it starts; null where it has none), weight (among its siblings; of an arithmetic mean updated to the prices of
    the period before, so that Σweight·movement/Σweight is the parent's movement), mean (of the parent), imputed (the
    node has no value below it), children, children_absent, reason (null unless index is). Index is null where nothing
    at all has a value, before a root's first value, and with "renormalise" and "none" where the node has none.

    Raises ValueError on unknown options, lists the known ones; on rows that do not fit, names the first: among them
    rows of `indices` whose node is a leaf in no link's tree.
    Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 9 (higher-level indices,
    price-updating, chaining, temporarily missing prices).
    """
    for option, value, known in (
        ("formula", formula, FORMULAS), ("missing", missing, MISSING), ("reentry", reentry, REENTRIES),
    ):  # fmt: skip
        refuse_unknown(option, value, known, aliases=FORMULA_ALIASES if option == "formula" else None)
    weights, tree = eager_frame(weights, "weights"), eager_frame(tree, "tree")
    refuse_missing_columns(weights, ("node", "weight"), "weights")
    refuse_no_keys(weights, ["node"], "weights")
    rows = _checked_indices(eager_frame(indices, "indices"))
    if rows.is_empty():
        return _empty(rows.schema["period"])
    periods = rows["period"].unique().sort().to_list()
    refuse_unsorted(rows["period"], "indices")
    dtype = rows.schema["period"]
    weights, tree = _with_links_as(dtype, weights, "weights"), _with_links_as(dtype, tree, "tree")
    links = _links({"weights": weights, "tree": tree}, periods)
    _refuse_other_links(rows, links, periods[-1])
    trees = [_of_link(tree, link, "tree") for link in links]
    nodes = _nodes(rows, trees)
    chain = _Chain(rows, periods, formula, Conventions(missing, reentry), _checked_successions(successions, links))
    for n, (link, tree_of_link) in enumerate(zip(links, trees, strict=True)):
        last = links[n + 1] if n + 1 < len(links) else periods[-1]
        chain.extend(link, last, _weights_of_link(weights, link, tree_of_link, nodes), tree_of_link)
    return pl.concat(chain.tables).sort("period", "node")


def _checked_indices(indices: pl.DataFrame) -> pl.DataFrame:
    refuse_missing_columns(indices, ("node", "period", "index"), "indices")
    refuse_no_keys(indices, ["node"], "indices")
    refuse_unsortable(indices, ["period"], "indices")
    refuse_no_numbers(indices, ["index"], "indices")
    is_output = "link_index" in indices.columns  # of `aggregate`: chained indices, whose link is no scale
    keys = ["node", "period", *(["link"] if "link" in indices.columns and not is_output else [])]
    if "link" in keys:
        indices = _with_links_as(indices.schema["period"], indices, "indices")
        refuse_other_type(indices, "link", "period", "indices")
    rows = indices.select(pl.col("node").cast(pl.String), *keys[1:], pl.col("index").cast(pl.Float64))
    faults = {
        "a null in its key": pl.any_horizontal(pl.col(keys).is_null()),
        "a key that occurs before": pl.struct(keys).is_duplicated(),
        "an index that is not positive and finite": ~(pl.col("index").is_finite() & (pl.col("index") > 0)),
    }
    refuse_rows(rows, faults, "indices")
    if "link" in keys:
        _refuse_links_without_base(rows)
    return rows


def _refuse_links_without_base(rows: pl.DataFrame) -> None:
    """Raise ValueError where no node has a row of its link period on the scale of a link: nothing is scaled by it."""
    based = rows.group_by("link").agg(has_base=(pl.col("period") == pl.col("link")).any()).sort("link")
    without = based.filter(~pl.col("has_base"))["link"]
    if len(without):
        message = (
            f"indices: link {without[0]} has no rows of its own link period ({len(without)} such links). A column link"
            " gives each link a scale of its own, of which the link period is part; of chained indices, as in the"
            " output of `aggregate`, drop the column link or keep link_index with it"
        )
        raise ValueError(message)


def _refuse_other_links(rows: pl.DataFrame, links: list[Any], last: Any) -> None:  # noqa: ANN401
    """Raise ValueError where the links of the indices are not those of weights and tree: their rows would not count."""
    if "link" not in rows.columns:
        return
    of_rows = rows["link"].unique().sort().to_list()
    other = [link for link in of_rows if link not in links and link != last]
    lacking = [link for link in links if link not in of_rows and link != last]
    if other or lacking:
        fault = f"{other[0]} is no link of weights or tree" if other else f"no rows of link {lacking[0]}"
        shown = (", ".join(map(str, part)) for part in (of_rows, links))
        message = "indices: {}; found links {}, expected {}, as in weights and tree".format(fault, *shown)
        raise ValueError(message)


def _checked_successions(successions: pl.DataFrame | pl.LazyFrame | None, links: list[Any]) -> pl.DataFrame | None:
    """Check columns and links of the successions; nodes become text."""
    if successions is None:
        return None
    rows = eager_frame(successions, "successions")
    refuse_missing_columns(rows, ("link", "node", "predecessor"), "successions")
    unknown = [link for link in rows["link"].unique() if link not in links]
    if unknown:
        message = f"successions: {unknown[0]} is no link; expected some of {', '.join(map(str, links))}"
        raise ValueError(message)
    refuse_no_keys(rows, ("node", "predecessor"), "successions")
    return rows.with_columns(pl.col("node", "predecessor").cast(pl.String))


def _with_links_as(dtype: pl.DataType, frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Links written as text, as the Enum of the periods, whose order they have."""
    if not isinstance(dtype, pl.Enum) or frame.schema.get("link") not in (pl.String, pl.Categorical):
        return frame
    texts = frame["link"].cast(pl.String)
    unknown = texts.filter(~texts.is_in(dtype.categories.implode()))
    if not unknown.is_empty():
        message = f"{name}: {unknown[0]} is no period; expected links among the periods"
        raise ValueError(message)
    return frame.with_columns(link=texts.cast(dtype))


def _links(frames: Mapping[str, pl.DataFrame], periods: list[Any]) -> list[Any]:
    """Link periods of all frames. Raises ValueError where they are no periods or begin late."""
    links = set()
    for name, frame in frames.items():
        if frame.is_empty():
            message = f"{name}: no rows; expected at least one"
            raise ValueError(message)
        if "link" not in frame.columns:
            continue
        of_frame = frame["link"].unique().sort().to_list()
        unknown = [link for link in of_frame if link not in periods]
        if unknown or of_frame[0] != periods[0]:
            found = f"the first is {of_frame[0]}"
            if unknown:
                found = f"{unknown[0]} is no period{other_type(unknown[0], periods[0])}"
            message = f"{name}: {found}; expected links among the periods, the first of them {periods[0]}"
            raise ValueError(message)
        links.update(of_frame)
    return [period for period in periods if period in links] or periods[:1]


def _nodes(rows: pl.DataFrame, trees: list[pl.DataFrame]) -> set[str]:
    """Nodes of all trees. Raises ValueError on indices of a node that is a leaf in none of them."""
    nodes: set[str] = set()
    leaves: set[str] = set()
    for tree in trees:
        of_tree, leaves_of_tree = nodes_and_leaves(tree)
        nodes |= of_tree
        leaves |= leaves_of_tree
    faults = {
        "a node that is not in the tree": ~pl.col("node").is_in(sorted(nodes)),
        "a node that has children, expected a leaf": ~pl.col("node").is_in(sorted(leaves)),
    }
    refuse_rows(rows, faults, "indices")
    return nodes


def _weights_of_link(weights: pl.DataFrame, link: Any, tree: pl.DataFrame, nodes: set[str]) -> pl.DataFrame:  # noqa: ANN401
    """Weights that hold from a link on; of weights that go on from before, those of nodes of the link's tree."""
    held = _of_link(weights, link, "weights")
    if "node" not in held.columns or ("link" in weights.columns and (weights["link"] == link).any()):
        return held
    elsewhere = nodes - set(tree["node"].cast(pl.String))
    return held.filter(~pl.col("node").cast(pl.String).is_in(sorted(elsewhere)))


def _of_link(frame: pl.DataFrame, link: Any, name: str) -> pl.DataFrame:  # noqa: ANN401
    """Rows that hold from a link on: those of the link, or else of the last link before that has any."""
    if "link" not in frame.columns:
        return frame
    held = frame.filter(pl.col("link") <= link)["link"].max()
    if held is None:
        message = f"{name}: no rows of link {link} nor of one before"
        raise ValueError(message)
    return frame.filter(pl.col("link") == held).drop("link")


class _Chain:
    """The series so far: the levels of nodes in each period, and the scales of the leaves."""

    def __init__(
        self,
        rows: pl.DataFrame,
        periods: list[Any],
        formula: str,
        conventions: Conventions,
        successions: pl.DataFrame | None,
    ) -> None:
        self.rows, self.periods, self.formula, self.conventions = rows, periods, formula, conventions
        self.successions = successions
        self.levels: dict[str, dict[Any, float]] = {}
        self.last_weights: dict[str, float] = {}
        self.state: dict[str, tuple[float, ...]] = {}
        self.tables: list[pl.DataFrame] = []

    def extend(self, link: Any, last: Any, weights: pl.DataFrame, tree: pl.DataFrame) -> None:  # noqa: ANN401
        """Compute the levels from one link to the next, or to the end."""
        mean = "geometric" if self.formula == "geometric" else "arithmetic"
        nodes = hierarchy(tree, self._updated(weights, tree, link), mean=mean)
        periods = self.periods[self.periods.index(link) : self.periods.index(last) + 1]
        indices = self._indices(nodes, periods, link)
        start = self._start(nodes, link)
        broken = start.started & ~start.known
        course = compute_course(nodes, indices, start, self.conventions)
        for n, name in enumerate(nodes.names):
            here = self.levels.setdefault(name, {})
            here.update({p: float(v) for p, v in zip(periods, course.levels[:, n], strict=True) if not np.isnan(v)})
        self.last_weights = dict(zip(nodes.names, nodes.weights * start.levels, strict=True))
        known = ~np.isnan(course.levels[-1])
        state = np.array([start.levels, start.scales, start.indices, start.touched, start.started, known])
        self.state = {name: tuple(of_node) for name, of_node in zip(nodes.names, state.T.tolist(), strict=True)}
        first = 0 if not self.tables else 1
        if len(periods) > first:
            reasons = _reasons(nodes, course, indices, broken, self.conventions.missing, link)
            self.tables.append(_table(nodes, course, reasons, self._series(periods), link)[first * len(nodes.names) :])

    def _series(self, periods: list[Any]) -> pl.Series:
        return pl.Series(periods, dtype=self.rows.schema["period"])

    def _updated(self, weights: pl.DataFrame, tree: pl.DataFrame, link: Any) -> pl.DataFrame:  # noqa: ANN401
        """Price-update weights to the link, for the Lowe index."""
        if self.formula != "lowe":
            return weights
        rows = self.rows.filter(pl.col("index").is_not_null())
        rows = rows.filter(pl.col("link") == link) if "link" in rows.columns else rows
        raw: dict[str, dict[Any, float]] = {}
        for node, period, index in rows.select("node", "period", "index").iter_rows():
            raw.setdefault(node, {})[period] = index

        def relative(node: str, reference: Any) -> float | None:  # noqa: ANN401
            for levels in (self.levels.get(node, {}), raw.get(node, {})):
                if reference in levels and link in levels:
                    return levels[reference] / levels[link]
            return None

        return price_updated(weights, tree, link, relative=relative, geometric=False)

    def _indices(self, nodes: Hierarchy, periods: list[Any], link: Any) -> Floats:  # noqa: ANN401
        """Spread the leaves' indices into an array of periods by nodes."""
        rows = self.rows.filter(pl.col("period").is_in(periods) & pl.col("index").is_not_null())
        if "link" in rows.columns:
            rows = rows.filter(pl.col("link") == link)
        position = {name: n for n, name in enumerate(nodes.names)}
        known = rows.filter(pl.col("node").is_in([name for name in nodes.names if nodes.leaves[position[name]]]))
        indices = np.full((len(periods), len(position)), np.nan)
        at = {period: t for t, period in enumerate(periods)}
        indices[[at[p] for p in known["period"]], [position[n] for n in known["node"]]] = known["index"].to_numpy()
        return indices

    def _start(self, nodes: Hierarchy, link: Any) -> State:  # noqa: ANN401
        """State in the link period: as at the end of the link before; of new nodes, from their predecessors."""
        before = self._predecessors(link, nodes.names)
        nothing = (1.0, np.nan, np.nan, 0.0, 0.0, 0.0)
        state = np.array([self.state.get(name, nothing) for name in nodes.names])
        for n, (name, parent) in enumerate(zip(nodes.names, nodes.parents, strict=True)):
            if name in self.state:
                continue
            if before.get(name):
                weight = np.array([self.last_weights[one] for one in before[name]])
                of_these = np.array([self.state[one] for one in before[name]])
                state[n, 0] = weight @ of_these[:, 0] / weight.sum()
                state[n, [3, 5]] = of_these[:, [3, 5]].max(axis=0)
            elif parent >= 0:
                state[n, [0, 3, 5]] = state[parent, [0, 3, 5]]
            # A node that starts from a level has begun.
            state[n, 4] = state[n, 5]
        if "link" in self.rows.columns:
            # Where each link has its own scale, the scale of one link means nothing in the next.
            state[:, 1:3] = np.nan
        levels, scales, indices, touched, started, known = state.T.copy()
        return State(levels, scales, indices, touched > 0, started > 0, known > 0)

    def _predecessors(self, link: Any, names: Sequence[str]) -> dict[str, list[str]]:  # noqa: ANN401
        if self.successions is None:
            return {}
        rows = self.successions.filter(pl.col("link") == link)
        faults = {
            "a node that is not in the tree": ~pl.col("node").is_in(list(names)),
            "a predecessor that is not in the tree of the link before": ~pl.col("predecessor").is_in(list(self.state)),
        }
        refuse_rows(rows, faults, "successions")
        grouped = rows.group_by("node", maintain_order=True).agg("predecessor")
        return dict(grouped.iter_rows())


def _reasons(
    nodes: Hierarchy,
    course: Course,
    indices: Floats,
    broken: Booleans,
    missing: str,
    link: Any,  # noqa: ANN401
) -> list[str | None]:
    """Reasons why nodes have no level in a period, in the order of the table's rows."""
    reasons: list[str | None] = []
    inner = ~nodes.leaves & np.bool_(missing == "none")
    for levels, values in zip(course.levels, indices, strict=True):
        below = value_below(nodes, values)
        texts = np.where(inner, "a node below has no value", "no value below that has one in the periods before, too")
        texts = np.where(broken, f"no level in link {link}", texts)
        texts = np.where(below, texts, "no value below" if below.any() else "no node has a value in this period")
        reasons += [str(text) if lacking else None for text, lacking in zip(texts, np.isnan(levels), strict=True)]
    return reasons


def _table(
    nodes: Hierarchy,
    course: Course,
    reasons: list[str | None],
    periods: pl.Series,
    link: Any,  # noqa: ANN401
) -> pl.DataFrame:
    """Lay a course out in rows, one per period and node."""
    shape = course.levels.shape
    absent = course.imputed & (nodes.weights > 0)
    lacking, children = np.zeros(shape), np.bincount(nodes.parents[nodes.parents >= 0], minlength=shape[1])
    below = np.flatnonzero(nodes.parents >= 0)
    for t in range(shape[0]):
        lacking[t] = np.bincount(nodes.parents[below], weights=absent[t][below], minlength=shape[1])
    parent_mean = np.asarray(nodes.geometric[np.maximum(nodes.parents, 0)] & (nodes.parents >= 0))
    weight = np.where(parent_mean, nodes.weights, course.weights)
    names = np.array([*nodes.names, None], dtype=object)
    return pl.DataFrame(
        {
            "period": periods.gather(np.repeat(np.arange(shape[0]), shape[1])),
            "link": pl.Series([link], dtype=periods.dtype).gather(np.zeros(shape[0] * shape[1], dtype=np.int64)),
            "node": pl.Series(list(nodes.names) * shape[0], dtype=pl.String),
            "parent": pl.Series(list(names[nodes.parents]) * shape[0], dtype=pl.String),
            "index": pl.Series(course.levels.ravel(), nan_to_null=True),
            "link_index": pl.Series(np.tile(course.levels[0], shape[0]), nan_to_null=True),
            "weight": pl.Series(weight.ravel()),
            "mean": pl.Series(np.where(parent_mean, "geometric", "arithmetic").tolist() * shape[0], dtype=pl.String),
            "imputed": pl.Series(course.imputed.ravel()),
            "children": pl.Series(np.tile(children, shape[0]), dtype=pl.Int32),
            "children_absent": pl.Series(lacking.ravel().astype(np.int32)),
            "reason": pl.Series(reasons, dtype=pl.String),
        }
    ).select(_OUT)


def _empty(period: pl.DataType) -> pl.DataFrame:
    texts = {"node": pl.String(), "parent": pl.String(), "mean": pl.String(), "reason": pl.String()}
    numbers = {
        "index": pl.Float64(),
        "link_index": pl.Float64(),
        "weight": pl.Float64(),
        "children": pl.Int32(),
        "children_absent": pl.Int32(),
    }
    types = {"period": period, "link": period, "imputed": pl.Boolean(), **texts, **numbers}
    return pl.DataFrame(schema={name: types[name] for name in _OUT})
