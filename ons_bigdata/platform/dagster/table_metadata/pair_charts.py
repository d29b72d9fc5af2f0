"""Charts of tables that are no lines over time: points on log axes, curves with intervals, maps, grids of shades.

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
FEW_NAMES = 6
"""Most circles of a map that are named."""
_LETTER_WIDTH, _LINE_HEIGHT = 6, 11
"""Pixels of a letter and of a line of the names on a map."""
MOST_MAPS = 3
"""Series of which a map is drawn: the first ones."""
BLUE, GREY, ORANGE = "#2c6fad", "#9a9a9a", "#c2641a"
"""Colours of lines below, at and above 0: all are seen on white."""
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
    x_title: str
    y_title: str

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
                x=alt.X("x:Q", title=self.x_title, scale=scale).axis(tickCount=5, grid=False),
                y=alt.Y("y:Q", title=self.y_title, scale=scale).axis(tickCount=5, grid=False),
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
    x_title: str
    y_title: str

    def draw(self, rows: pl.DataFrame) -> str | None:
        """SVG; a value without interval is a point alone. None without a value."""
        import altair as alt  # noqa: PLC0415

        shown = rows.drop_nulls("y").sort("series", "x").head(MOST_POINTS)
        if shown.is_empty():
            return None
        classes = alt.X("x:N", title=self.x_title, sort="ascending").axis(labelAngle=0)
        base = alt.Chart(alt.NamedData("rows")).encode(
            color=alt.Color("series:N", title=None).legend(orient="bottom", columns=2, labelLimit=0)
        )
        curve = base.mark_line(point=True).encode(x=classes, y=alt.Y("y:Q", title=self.y_title).axis(tickCount=5))
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
        most = max((abs(value) for value in shown["colour"].drop_nulls().to_list()), default=0.0) or 1.0
        return (
            alt.Chart(data)
            .mark_rule(opacity=0.7)
            .encode(
                x=alt.X("from_x:Q", scale=axes[0], axis=None),
                y=alt.Y("from_y:Q", scale=axes[1], axis=None),
                x2="to_x:Q",
                y2="to_y:Q",
                strokeWidth=alt.StrokeWidth("flow:Q", scale=alt.Scale(range=[0.3, 5]), legend=None),
                color=alt.Color(
                    "colour:Q", title=None, scale=alt.Scale(domain=[-most, 0, most], range=[BLUE, GREY, ORANGE])
                ),
            )
            .properties(width=1.6 * _SIDE, height=1.6 * _SIDE, title=name)
        )


@dataclass(frozen=True)
class PointMap:
    """A circle at (`east`, `north`) for each row: its area shows the size of `value`, its colour the sign and size."""

    kind: ClassVar[str] = "point_map"
    numbers: ClassVar[tuple[str, ...]] = ("east", "north", "value")
    texts: ClassVar[tuple[str, ...]] = ("name", "series")

    title: str
    east: str
    north: str
    value: str
    name: str
    series: str
    where: str

    def draw(self, rows: pl.DataFrame) -> str | None:
        """SVG with a map for each of the first series; of many circles the largest. None without a value.

        Places without a value are small grey circles, so that a map shows what is not known. A few of the largest are
        named, where the name does not cover another one.
        """
        import altair as alt  # noqa: PLC0415

        placed = rows.drop_nulls(["east", "north"])
        if placed["value"].count() == 0:
            return None
        most = float(placed["value"].abs().max())  # type: ignore[arg-type]
        axes = _square(placed["east"].to_list(), placed["north"].to_list())
        maps, data = [], {}
        for number, name in enumerate(placed["series"].unique().sort().to_list()[:MOST_MAPS]):
            of_series = placed.filter(pl.col("series") == name).with_columns(size=pl.col("value").abs())
            shown = of_series.sort("size", "name", descending=[True, False], nulls_last=True).head(MOST_FLOWS)
            labels = pl.Series("label", _labels(shown, axes), dtype=pl.String)
            data[f"rows{number}"] = shown.with_columns(labels).to_dicts()
            maps.append(self._map(alt.NamedData(f"rows{number}"), axes, name, most))
        return _svg(alt.hconcat(*maps).properties(title=self.title), **data)

    @staticmethod
    def _map(data: alt.NamedData, axes: list[alt.Scale], name: str, most: float) -> alt.Chart | alt.LayerChart:
        import altair as alt  # noqa: PLC0415

        base = alt.Chart(data).encode(
            x=alt.X("east:Q", scale=axes[0], axis=None), y=alt.Y("north:Q", scale=axes[1], axis=None)
        )
        unknown = base.transform_filter("!isValid(datum.value)").mark_circle(size=30, color="darkgrey")
        known = base.transform_filter("isValid(datum.value)")
        circles = known.mark_circle(opacity=0.8, stroke="grey", strokeWidth=0.5).encode(
            size=alt.Size("size:Q", scale=alt.Scale(domain=[0, most], range=[0, 500]), legend=None),
            color=alt.Color(
                "value:Q", title=None, scale=alt.Scale(scheme="blueorange", domain=[-most, most], domainMid=0)
            ),
        )
        names = known.transform_filter("isValid(datum.label)").mark_text(dy=-16, fontSize=9).encode(text="label:N")
        return (unknown + circles + names).properties(width=_SIDE, height=_SIDE, title=name)


@dataclass(frozen=True)
class Heatmap:
    """A cell for each pair of the classes `x` and `y`, shaded and labelled by `value`; one grid for each series."""

    kind: ClassVar[str] = "heatmap"
    numbers: ClassVar[tuple[str, ...]] = ("x", "y", "value")
    texts: ClassVar[tuple[str, ...]] = ("series",)

    title: str
    x: str
    y: str
    value: str
    series: str
    where: str
    x_title: str
    y_title: str
    label_format: str
    """Format of the labels (d3), such as `.1%`."""

    def draw(self, rows: pl.DataFrame) -> str | None:
        """SVG of the first series, all on one scale; cells without a value are grey. None without a value."""
        import altair as alt  # noqa: PLC0415

        shown = rows.drop_nulls(["x", "y"]).sort("series", "x", "y")
        if shown["value"].count() == 0:
            return None
        most = float(shown["value"].max())  # type: ignore[arg-type]
        grids, data = [], {}
        for number, name in enumerate(shown["series"].unique().sort().to_list()[:MOST_MAPS]):
            data[f"rows{number}"] = shown.filter(pl.col("series") == name).head(MOST_POINTS).to_dicts()
            grids.append(self._grid(alt.NamedData(f"rows{number}"), name, most))
        return _svg(alt.hconcat(*grids).properties(title=self.title), **data)

    def _grid(self, data: alt.NamedData, name: str, most: float) -> alt.LayerChart:
        import altair as alt  # noqa: PLC0415

        base = alt.Chart(data).encode(
            x=alt.X("x:O", title=self.x_title).axis(labelAngle=0), y=alt.Y("y:O", title=self.y_title, sort="descending")
        )
        cells = base.mark_rect(color="#eeeeee", stroke="white")
        known = base.transform_filter("isValid(datum.value)")
        shades = known.mark_rect(stroke="white").encode(
            color=alt.Color("value:Q", title=None, scale=alt.Scale(scheme="blues", domain=[0, most]))
            .legend(format=self.label_format)
        )  # fmt: skip
        labels = known.mark_text(fontSize=8).encode(
            text=alt.Text("value:Q", format=self.label_format),
            color=alt.condition(f"datum.value > {0.6 * most}", alt.value("white"), alt.value("black")),
        )
        return (cells + shades + labels).properties(width=_SIDE, height=_SIDE, title=name)


PairChart = PointChart | CurveChart | FlowMap | PointMap | Heatmap
KINDS: dict[str, type[PairChart]] = {kind.kind: kind for kind in (PointChart, CurveChart, FlowMap, PointMap, Heatmap)}


def _labels(shown: pl.DataFrame, axes: list[alt.Scale]) -> list[str | None]:
    """Names of the first places that have a value, for each row; None where there is none or it would cover another."""
    low, high = axes[0]["domain"]
    letter, line = ((high - low) * size / _SIDE for size in (_LETTER_WIDTH, _LINE_HEIGHT))
    named: list[tuple[float, float, float]] = []
    labels: list[str | None] = []
    for east, north, value, name in shown.select("east", "north", "value", "name").iter_rows():
        half = len(name or "") * letter / 2
        covers = any(abs(east - e) < half + h and abs(north - n) < line for e, n, h in named)
        is_named = value is not None and len(named) < FEW_NAMES and not covers
        labels.append(name if is_named else None)
        if is_named:
            named.append((east, north, half))
    return labels


def _square(*axes: list[float]) -> list[alt.Scale]:
    """Scales of both axes with the same length of a km."""
    import altair as alt  # noqa: PLC0415

    reach = max(max(values) - min(values) for values in axes) or 1.0
    middles = [(max(values) + min(values)) / 2 for values in axes]
    return [alt.Scale(domain=[at - reach * 0.58, at + reach * 0.58], nice=False, zero=False) for at in middles]


def _svg(drawing: Any, **datasets: list[dict[str, Any]]) -> str:  # noqa: ANN401  (any chart of altair)
    import vl_convert  # noqa: PLC0415

    spec = drawing.configure(aria=False, background="white").to_dict()
    spec["datasets"] = datasets
    return slim_svg(vl_convert.vegalite_to_svg(spec))
