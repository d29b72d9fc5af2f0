"""Charts of tables that are no lines over time: points on log axes, curves with intervals, maps of flows.

Declared as those of `charts`, with `kind`. Each draws a bounded number of rows, chosen without chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from ons_bigdata.platform.dagster.table_metadata.svg_size import slim_svg

if TYPE_CHECKING:
    import altair as alt

MOST_POINTS = 400
"""Points that a chart of points draws over all series."""
MOST_FLOWS = 150
"""Lines that a map of flows draws for each series: the largest."""
MOST_ZONES = 120
"""Zones that a map of zones draws for each series; of more every n-th."""
MOST_MAPS = 3
"""Series of which a map is drawn: the first ones."""
_SIDE = 300


@dataclass(frozen=True)
class PointChart:
    """Positive `y` over positive `x` on log axes with the line y = x, coloured by `series`."""

    kind: ClassVar[str] = "points"
    numbers: ClassVar[tuple[str, ...]] = ("x", "y")
    texts: ClassVar[tuple[str, ...]] = ("series",)

    title: str
    x: str
    y: str
    series: str
    where: str

    def draw(self, rows: pl.DataFrame) -> str | None:
        """SVG; of many rows every n-th by x is drawn. None without a row with two positive numbers."""
        import altair as alt  # noqa: PLC0415  (half a second, for the few tables with a chart)

        positive = rows.filter((pl.col("x") > 0) & (pl.col("y") > 0)).sort("series", "x", "y")
        step = -(-positive.height // MOST_POINTS)
        if positive.is_empty():
            return None
        shown = positive.gather_every(step)
        low, high = (float(f(shown[c].to_list())) for f, c in ((min, "x"), (max, "x")))
        scale = alt.Scale(type="log")
        points = (
            alt.Chart(alt.NamedData("rows"))
            .mark_circle(size=14, opacity=0.5)
            .encode(
                x=alt.X("x:Q", title=self.x, scale=scale).axis(tickCount=5, grid=False),
                y=alt.Y("y:Q", title=self.y, scale=scale).axis(tickCount=5, grid=False),
                color=alt.Color("series:N", title=None).legend(orient="bottom", columns=2, labelLimit=0),
            )
        )
        equal = alt.Chart(alt.NamedData("equal")).mark_line(color="grey", strokeDash=[3, 3]).encode(x="x:Q", y="y:Q")
        drawing = (equal + points).properties(width=_SIDE, height=_SIDE, title=self.title)
        return _svg(drawing, rows=shown.to_dicts(), equal=[{"x": low, "y": low}, {"x": high, "y": high}])


@dataclass(frozen=True)
class CurveChart:
    """`y` with its interval from `lower` to `upper` over the classes `x`, in their order, a curve for each `series`."""

    kind: ClassVar[str] = "curve"
    numbers: ClassVar[tuple[str, ...]] = ("y", "lower", "upper")
    texts: ClassVar[tuple[str, ...]] = ("x", "series")

    title: str
    x: str
    y: str
    lower: str
    upper: str
    series: str
    where: str

    def draw(self, rows: pl.DataFrame) -> str | None:
        """SVG; a value without interval is a point alone. None without a value."""
        import altair as alt  # noqa: PLC0415

        shown = rows.drop_nulls("y").sort("series", "x").head(MOST_POINTS)
        if shown.is_empty():
            return None
        classes = alt.X("x:N", title=None, sort="ascending").axis(labelAngle=0)
        base = alt.Chart(alt.NamedData("rows")).encode(
            color=alt.Color("series:N", title=None).legend(orient="bottom", columns=2, labelLimit=0)
        )
        curve = base.mark_line(point=True).encode(x=classes, y=alt.Y("y:Q", title=self.y).axis(tickCount=5))
        bars = base.transform_filter("isValid(datum.lower) && isValid(datum.upper)").mark_rule()
        drawing = (bars.encode(x=classes, y="lower:Q", y2="upper:Q") + curve).properties(
            width=2 * _SIDE, height=_SIDE, title=self.title
        )
        return _svg(drawing, rows=shown.to_dicts())


@dataclass(frozen=True)
class FlowMap:
    """Lines from (`from_x`, `from_y`) to (`to_x`, `to_y`), as wide as their `flow`, coloured by `colour`."""

    kind: ClassVar[str] = "flow_map"
    numbers: ClassVar[tuple[str, ...]] = ("from_x", "from_y", "to_x", "to_y", "flow", "colour")
    texts: ClassVar[tuple[str, ...]] = ("series",)

    title: str
    from_x: str
    from_y: str
    to_x: str
    to_y: str
    flow: str
    colour: str
    series: str
    where: str

    def draw(self, rows: pl.DataFrame) -> str | None:
        """SVG with a map of the largest flows for each of the first series. None without a positive flow."""
        import altair as alt  # noqa: PLC0415

        places = ["from_x", "from_y", "to_x", "to_y"]
        positive = rows.filter(pl.col("flow") > 0).drop_nulls(places)
        if positive.is_empty():
            return None
        maps, data = [], {}
        names = positive["series"].unique().sort().to_list()[:MOST_MAPS]
        for number, name in enumerate(names):
            of_series = positive.filter(pl.col("series") == name)
            shown = of_series.sort("flow", *places, descending=[True, *(False for _ in places)]).head(MOST_FLOWS)
            data[f"rows{number}"] = shown.sort("flow").to_dicts()
            maps.append(self._map(alt.NamedData(f"rows{number}"), shown, name))
        return _svg(alt.hconcat(*maps).properties(title=self.title), **data)

    def _map(self, data: alt.NamedData, shown: pl.DataFrame, name: str) -> alt.Chart:
        """One map; a km is as long on both axes."""
        import altair as alt  # noqa: PLC0415

        ends = [
            [float(value) for column in (f"from_{axis}", f"to_{axis}") for value in shown[column].to_list()]
            for axis in "xy"
        ]
        axes = _square(*ends)
        return (
            alt.Chart(data)
            .mark_rule(opacity=0.7)
            .encode(
                x=alt.X("from_x:Q", scale=axes[0], axis=None),
                y=alt.Y("from_y:Q", scale=axes[1], axis=None),
                x2="to_x:Q",
                y2="to_y:Q",
                strokeWidth=alt.StrokeWidth("flow:Q", scale=alt.Scale(range=[0.3, 5]), legend=None),
                color=alt.Color("colour:Q", title=None, scale=alt.Scale(scheme="blueorange", domainMid=0)),
            )
            .properties(width=_SIDE, height=_SIDE, title=name)
        )


@dataclass(frozen=True)
class ZoneMap:
    """Points at (`x`, `y`), in km on a plane, coloured by `colour`, which is 0 in the middle of the colours."""

    kind: ClassVar[str] = "zone_map"
    numbers: ClassVar[tuple[str, ...]] = ("x", "y", "colour")
    texts: ClassVar[tuple[str, ...]] = ("series",)

    title: str
    x: str
    y: str
    colour: str
    series: str
    where: str

    def draw(self, rows: pl.DataFrame) -> str | None:
        """SVG with a map for each of the first series, of at most `MOST_ZONES` zones. None without a zone."""
        import altair as alt  # noqa: PLC0415

        placed = rows.drop_nulls(["x", "y", "colour"]).sort("series", "x", "y")
        if placed.is_empty():
            return None
        maps, data = [], {}
        for number, name in enumerate(placed["series"].unique().sort().to_list()[:MOST_MAPS]):
            of_series = placed.filter(pl.col("series") == name)
            shown = of_series.gather_every(-(-of_series.height // MOST_ZONES))
            data[f"rows{number}"] = shown.to_dicts()
            scales = _square(*([float(value) for value in shown[axis].to_list()] for axis in ("x", "y")))
            points = (
                alt.Chart(alt.NamedData(f"rows{number}"))
                .mark_circle(size=60, opacity=0.9)
                .encode(
                    x=alt.X("x:Q", scale=scales[0], axis=None),
                    y=alt.Y("y:Q", scale=scales[1], axis=None),
                    color=alt.Color("colour:Q", title=None, scale=alt.Scale(scheme="blueorange", domainMid=0)),
                )
            )
            maps.append(points.properties(width=_SIDE, height=_SIDE, title=name))
        return _svg(alt.hconcat(*maps).properties(title=self.title), **data)


def _square(*axes: list[float]) -> list[alt.Scale]:
    """Scales of both axes with the same length of a km."""
    import altair as alt  # noqa: PLC0415

    reach = max(max(values) - min(values) for values in axes) or 1.0
    middles = [(max(values) + min(values)) / 2 for values in axes]
    return [alt.Scale(domain=[at - reach * 0.52, at + reach * 0.52], nice=False, zero=False) for at in middles]


PairChart = PointChart | CurveChart | FlowMap | ZoneMap
KINDS: dict[str, type[PairChart]] = {kind.kind: kind for kind in (PointChart, CurveChart, FlowMap, ZoneMap)}


def _svg(drawing: Any, **datasets: list[dict[str, Any]]) -> str:  # noqa: ANN401  (any chart of altair)
    import vl_convert  # noqa: PLC0415

    spec = drawing.configure(aria=False, background="white").to_dict()
    spec["datasets"] = datasets
    return slim_svg(vl_convert.vegalite_to_svg(spec))
