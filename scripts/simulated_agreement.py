"""Agreement of the simulated events with the published aggregates of the pilot of 2015, as a table and a chart.

    python scripts/simulated_agreement.py [--users N] [--docs]

prints the table; with `--docs`, the table of docs/simulated_world.md and its chart are written anew. The aggregates are
read from the shared data (`ONS_BIGDATA_SHARED`), and none of them is kept here.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
import vl_convert
from scipy.spatial import cKDTree

from ons_bigdata.settings import Settings
from ons_bigdata.simulation.events.drawing import draw_events
from ons_bigdata.simulation.events.visits import VisitGenerator
from ons_bigdata.simulation.world.building import World, build_world
from ons_bigdata.tweets.methods.clustering import cluster_events
from ons_bigdata.tweets.methods.geodesy import to_british_national_grid

ROOT = Path(__file__).resolve().parent.parent
PAGE, CHART = ROOT / "docs" / "simulated_world.md", ROOT / "docs" / "images" / "simulated_agreement.svg"
BEGIN, END = "<!-- agreement -->", "<!-- end of agreement -->"
CLASSES = ("R", "C", "none", "P", "X", "Z", "L", "U", "M")
MONTHS = range(1, 8)
TOLERANCES = {"share of users": 2.0, "months of residence": 2.0, "median": 2.0, "class of clusters": 3.0}
"""Largest distance of each group of measures: percentage points, or events for the median."""


@dataclass(frozen=True)
class Measure:
    """A measure of the pilot, and that of the simulation."""

    group: str
    name: str
    pilot: float
    simulated: float

    @property
    def agrees(self) -> bool:
        """True if the distance is within the tolerance of the group."""
        return abs(self.pilot - self.simulated) <= TOLERANCES[self.group]


def simulated_measures(world: World, events: pl.DataFrame) -> dict[tuple[str, str], float]:
    """Measures by group and name, of events of persons (columns user, at, lon, lat), through the pilot's own rules.

    Clusters are those of the recipe `ons_2015`: coordinates cut to whole metres, closer than 20 m, at least 3 events.
    The class of a cluster is the first letter of the nearest address within 300 m of its centroid; the dominant cluster
    is the largest residential one; a month of residence has at least 3 events there.
    """
    easting_m, northing_m = to_british_national_grid(events["lon"].to_numpy(), events["lat"].to_numpy())
    placed = events.select(
        "user",
        month=pl.col("at").dt.convert_time_zone("Europe/London").dt.month(),
        easting_m=pl.Series(np.trunc(easting_m)),
        northing_m=pl.Series(np.trunc(northing_m)),
    ).filter(pl.col("easting_m").is_not_nan())
    clustered = cluster_events(placed, strict=True, integer_metres=True, variant="components")
    kept = clustered.filter(pl.col("cluster").is_not_null())
    clusters = kept.group_by("user", "cluster", maintain_order=True).agg(
        pl.len().alias("events"), pl.col("easting_m").mean().floor(), pl.col("northing_m").mean().floor()
    )
    classes = _nearest_classes(world, clusters.select("easting_m", "northing_m").to_numpy())
    clusters = clusters.with_columns(letter=classes)
    residential = clusters.filter(pl.col("letter") == "R")
    dominant = residential.sort("user", "events", "cluster", descending=[False, True, False]).unique(
        "user", keep="first", maintain_order=True
    )
    of_month = kept.join(dominant.select("user", "cluster"), on=["user", "cluster"]).group_by("user", "month").len()
    months = of_month.filter(pl.col("len") >= 3).group_by("user").len("months")["months"]
    users = placed["user"].n_unique()
    valid, homes = clusters["user"].n_unique(), residential["user"].n_unique()
    shares = {
        "with a valid cluster": valid,
        "with a residential cluster": homes,
        "without a cluster": users - valid,
    }
    return {
        **{("share of users", name): 100 * count / users for name, count in shares.items()},
        ("median", "events of the dominant cluster"): float(dominant["events"].median() or 0),  # type: ignore[arg-type]
        **{("months of residence", str(n)): 100 * float((months == n).mean() or 0) for n in MONTHS},
        **{("class of clusters", name): 100 * float((clusters["letter"] == name).mean() or 0) for name in CLASSES},
    }


def _nearest_classes(world: World, centroids: np.ndarray) -> pl.Series:
    """First letter of the class of the nearest address within 300 m; `none` without."""
    tree = cKDTree(world.addresses.select("easting_m", "northing_m").to_numpy())
    _, row = tree.query(centroids, distance_upper_bound=300.0)
    letters = world.addresses["class_code"].str.slice(0, 1).extend_constant("none", 1)
    return letters.gather(row)


def pilot_measures(shared: Path) -> dict[tuple[str, str], float]:
    """Measures of the pilot, from its published totals. Raises FileNotFoundError without them."""
    totals = json.loads((shared / "golden" / "tweets" / "ons_pilot_totals.json").read_text(encoding="utf-8"))
    users, clusters = totals["users"], totals["clusters_by_address_class"]
    months = {n: totals["months_with_dominant_cluster_users"][str(n)] for n in MONTHS}
    names = {"none": "NoAddress_300m"}
    return {
        ("share of users", "with a valid cluster"): 100 * users["with_valid_cluster"] / users["total"],
        ("share of users", "with a residential cluster"): 100 * users["with_residential_cluster"] / users["total"],
        ("share of users", "without a cluster"): 100 * users["only_noise"] / users["total"],
        ("median", "events of the dominant cluster"): float(totals["median_size_dominant"]),
        **{("months of residence", str(n)): 100 * months[n] / sum(months.values()) for n in MONTHS},
        **{("class of clusters", name): 100 * clusters[names.get(name, name)] / clusters["total"] for name in CLASSES},
    }


def compare(pilot: dict[tuple[str, str], float], simulated: dict[tuple[str, str], float]) -> list[Measure]:
    """Measures of both, in the order of the pilot's."""
    return [Measure(*key, value, simulated[key]) for key, value in pilot.items()]


def simulate(users: int, seed: int, generator: str | VisitGenerator = "zipf") -> tuple[World, pl.DataFrame]:
    """World with ten persons and addresses for each user, and the events of its users without robots."""
    world = build_world(seed=seed, persons=10 * users, addresses=10 * users)
    drawn = draw_events(world, users=users, seed=seed, generator=generator, volume_events=1)
    return world, drawn.events.filter(pl.col("place") != "robot")


def table(measures: list[Measure]) -> str:
    """Markdown table of the measures."""
    lines = ["| measure | pilot | simulated | distance | allowed |", "|---|---|---|---|---|"]
    for one in measures:
        unit = "" if one.group == "median" else " %"
        name = f"{one.group}: {one.name}"
        lines.append(
            f"| {name} | {one.pilot:.1f}{unit} | {one.simulated:.1f}{unit} | {one.simulated - one.pilot:+.1f} |"
            f" {TOLERANCES[one.group]:.0f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Print or write the agreement; 1 if a measure is beyond its tolerance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=2014)
    parser.add_argument("--generator", default="zipf", choices=["zipf", "bursty"])
    parser.add_argument("--docs", action="store_true", help="write the table and the chart of docs/simulated_world.md")
    arguments = parser.parse_args()
    world, events = simulate(arguments.users, arguments.seed, arguments.generator)
    measures = compare(pilot_measures(Settings().shared), simulated_measures(world, events))
    print(f"{arguments.users:,} users, {events.height:,} events, generator {arguments.generator}")
    print(table(measures))
    if arguments.docs:
        write_docs(measures)
    return 0 if all(measure.agrees for measure in measures) else 1


def write_docs(measures: list[Measure]) -> None:
    """Write the table of the page, between its marks, and the chart."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE.name}: no marks {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n{table(measures)}\n{END}{after}", encoding="utf-8")
    CHART.write_bytes(vl_convert.vegalite_to_svg(chart(measures).to_json()).encode())


def chart(measures: list[Measure]) -> alt.VConcatChart:
    """Dots of the pilot and of the simulation for each measure, by group."""
    rows = pl.DataFrame(
        {
            "group": [one.group for one in measures for _ in range(2)],
            "measure": [one.name for one in measures for _ in range(2)],
            "source": ["pilot of 2015", "simulated"] * len(measures),
            "value": [round(value, 2) for one in measures for value in (one.pilot, one.simulated)],
        }
    )
    parts = []
    for group in ("share of users", "months of residence", "class of clusters"):
        of_group = rows.filter(pl.col("group") == group)
        order = of_group["measure"].unique(maintain_order=True).to_list()
        parts.append(
            alt.Chart(of_group)
            .mark_point(size=60, strokeWidth=2)
            .encode(
                x=alt.X("value:Q", title=f"{group}, %"),
                y=alt.Y("measure:N", sort=order, title=None),
                color=alt.Color("source:N", title=None, scale=alt.Scale(range=["#206095", "#d0582a"])),
                shape=alt.Shape("source:N", title=None),
            )
            .properties(width=420, height=22 * len(order))
        )
    return alt.vconcat(*parts)


if __name__ == "__main__":
    raise SystemExit(main())
