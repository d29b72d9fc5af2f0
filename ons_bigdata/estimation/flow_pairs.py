"""Two tables of flows aligned pair by pair: what a comparison computes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY = ["origin", "destination"]
STATUSES = ("observed", "suppressed", "rounded", "structural_zero", "not_supplied")
NARROW = 1e-12


@dataclass(frozen=True)
class FlowPairs:
    """Pairs in the order of their origins, with the flows of both tables; arrays are of one length."""

    origin: NDArray[np.int32]
    destination: NDArray[np.int32]
    estimate: NDArray[np.float64]
    reference: NDArray[np.float64]
    lower: NDArray[np.float64]
    """Bounds of the estimate; equal to it where it is known."""
    upper: NDArray[np.float64]
    distance_km: NDArray[np.float64] | None
    origins: int
    destinations: int
    zero_pairs: NDArray[np.int64]
    """Per origin, pairs that neither table lists and that count as zero in both."""
    origin_keys: pl.Series
    destination_keys: pl.Series
    is_reference_bounded: bool
    """True if cells of the reference are suppressed or rounded, so that it is not one table of numbers."""
    left_out: dict[str, float]
    """Number of pairs that are left out and their flow in the reference."""

    @property
    def is_bounded(self) -> bool:
        """True if cells of the estimate are known by bounds only."""
        return bool((self.upper - self.lower > NARROW * np.maximum(self.upper, 1)).any())

    @property
    def starts(self) -> NDArray[np.int64]:
        """Position of the first pair of each origin, and the number of pairs."""
        return np.searchsorted(self.origin, np.arange(self.origins + 1)).astype(np.int64)


def aligned_pairs(
    estimate: pl.DataFrame | pl.LazyFrame,
    reference: pl.DataFrame | pl.LazyFrame,
    distances: pl.DataFrame | pl.LazyFrame | None,
    *,
    all_pairs: bool,
    drop_suppressed: bool,
) -> FlowPairs:
    """Pairs of two tables of flows; a pair that only one of them lists has flow 0 in the other.

    Cells that were not supplied by either table are left out, suppressed ones if `drop_suppressed`. With `all_pairs`,
    each origin that occurs goes with each destination that occurs; pairs within a zone only where a table lists one.
    Raises ValueError on the faults that `compare_flows` lists.
    """
    left, right = (
        _checked(eager_frame(estimate, "estimate"), "estimate"),
        _checked(eager_frame(reference, "reference"), "reference"),
    )
    for column in KEY:
        if left.schema[column] != right.schema[column]:
            message = f"column {column} is {left.schema[column]} in estimate, {right.schema[column]} in reference"
            raise ValueError(message)
    both = left.join(right, on=KEY, how="full", coalesce=True, suffix="_reference")
    is_out = pl.any_horizontal(pl.col("is_out", "is_out_reference").fill_null(value=False))
    if drop_suppressed:
        is_out |= pl.any_horizontal(pl.col("is_hidden", "is_hidden_reference").fill_null(value=False))
    out = both.filter(is_out)
    kept = both.filter(~is_out).with_columns(
        pl.col("flow", "lower", "upper", "flow_reference", "lower_reference", "upper_reference").fill_null(0.0)
    )
    if not all_pairs:
        kept = kept.filter((pl.col("flow") > 0) | (pl.col("upper") > 0) | (pl.col("flow_reference") > 0))
    origins, destinations = both["origin"].unique().sort(), both["destination"].unique().sort()
    kept = _coded(_coded(kept, "origin", origins), "destination", destinations)
    if distances is not None:
        kept = _with_distances(kept, eager_frame(distances, "distances"))
    kept = kept.sort("origin_code", "destination_code")
    return FlowPairs(
        origin=kept["origin_code"].to_numpy(),
        destination=kept["destination_code"].to_numpy(),
        estimate=kept["flow"].to_numpy(),
        reference=kept["flow_reference"].to_numpy(),
        lower=kept["lower"].to_numpy(),
        upper=kept["upper"].to_numpy(),
        distance_km=None if distances is None else kept["distance_km"].to_numpy(),
        origins=len(origins),
        destinations=len(destinations),
        zero_pairs=_zero_pairs(both, origins, destinations) if all_pairs else np.zeros(len(origins), np.int64),
        origin_keys=origins,
        destination_keys=destinations,
        is_reference_bounded=bool((kept["upper_reference"] > kept["lower_reference"]).any()),
        left_out={"pairs": float(out.height), "reference_flow": float(out["flow_reference"].sum())},
    )


def _checked(flows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return flows with bounds and marks: is_out (not supplied), is_hidden (suppressed)."""
    refuse_missing_columns(flows, (*KEY, "flow"), name)
    refuse_no_keys(flows, KEY, name)
    numbers = ("flow", *(column for column in ("lower", "upper") if column in flows.columns))
    refuse_no_numbers(flows, numbers, name)
    optional = {"status": pl.String, "lower": pl.Float64, "upper": pl.Float64}
    flows = flows.select(
        *_plain_keys(flows),
        pl.col("flow").cast(pl.Float64),
        *(
            (pl.col(column) if column in flows.columns else pl.lit(None)).cast(dtype).alias(column)
            for column, dtype in optional.items()
        ),
    )
    status = pl.col("status").fill_null("observed")
    hidden = status == "suppressed"
    out = status == "not_supplied"
    has_bounds = pl.col("lower").is_not_null() & pl.col("upper").is_not_null()
    refuse_rows(
        flows,
        {
            "no origin": pl.col("origin").is_null(),
            "no destination": pl.col("destination").is_null(),
            f"an unknown status (known: {', '.join(STATUSES)})": ~status.is_in(STATUSES),
            "no flow and status observed": pl.col("flow").is_null() & ~has_bounds & ~hidden & ~out,
            "status suppressed and no bounds (columns lower and upper)": hidden & ~has_bounds,
            "one bound without the other": pl.col("lower").is_null() != pl.col("upper").is_null(),
            "a number that is not finite": pl.any_horizontal(~pl.col("flow", "lower", "upper").is_finite()),
            "a negative flow or bound (a code such as -1 for suppressed cells is a status, not a flow)": (
                pl.any_horizontal(pl.col("flow", "lower", "upper") < 0)
            ),
            "lower above upper": pl.col("lower") > pl.col("upper"),
            "a flow outside its bounds": ~pl.col("flow").is_between("lower", "upper"),
            "a flow and status structural_zero": (status == "structural_zero") & (pl.col("flow") != 0),
        },
        name,
    )
    refuse_repeated(flows, KEY, name)
    middle = pl.when(~out).then(pl.coalesce("flow", (pl.col("lower") + pl.col("upper")) / 2))
    return flows.select(
        *KEY,
        flow=middle,
        lower=pl.coalesce("lower", middle),
        upper=pl.coalesce("upper", middle),
        is_out=out,
        is_hidden=hidden,
    )


def _plain_keys(frame: pl.DataFrame) -> list[pl.Expr]:
    """Keys as Int64 or text, whatever width or category they come in."""
    return [pl.col(key).cast(pl.Int64 if frame.schema[key].is_integer() else pl.String) for key in KEY]


def _coded(kept: pl.DataFrame, column: str, keys: pl.Series) -> pl.DataFrame:
    codes = pl.DataFrame({column: keys}).with_row_index(f"{column}_code").cast({f"{column}_code": pl.Int32})
    return kept.join(codes, on=column, how="left", maintain_order="left")


def _with_distances(kept: pl.DataFrame, distances: pl.DataFrame) -> pl.DataFrame:
    column = "distance" if "distance" in distances.columns and "distance_km" not in distances.columns else "distance_km"
    refuse_missing_columns(distances, (*KEY, column), "distances")
    refuse_no_numbers(distances, (column,), "distances")
    refuse_no_keys(distances, KEY, "distances")
    distances = distances.with_columns(_plain_keys(distances))
    for key in KEY:
        if distances.schema[key] != kept.schema[key]:
            message = f"distances: column {key} is {distances.schema[key]}; in the flows it is {kept.schema[key]}"
            raise ValueError(message)
    wanted = distances.select(*KEY, distance_km=pl.col(column).cast(pl.Float64))
    refuse_repeated(wanted, KEY, "distances")
    joined = kept.join(wanted, on=KEY, how="left", maintain_order="left")
    refuse_rows(
        joined.select(*KEY, "distance_km"),
        {
            "no distance, or one that is not finite": ~pl.col("distance_km").fill_null(float("nan")).is_finite(),
            "a negative distance": pl.col("distance_km") < 0,
        },
        "pairs of the flows in distances",
    )
    return joined


def _zero_pairs(both: pl.DataFrame, origins: pl.Series, destinations: pl.Series) -> NDArray[np.int64]:
    """Count the pairs of each origin that no table lists; pairs within a zone only if some table lists one."""
    listed = both.group_by("origin").agg(listed=pl.len())
    table = pl.DataFrame({"origin": origins}).join(listed, on="origin", how="left", maintain_order="left")
    within = both.select((pl.col("origin") == pl.col("destination")).any()).item()
    inner = 0 if within else origins.is_in(destinations.implode()).cast(pl.Int64)
    counts = len(destinations) - table["listed"].cast(pl.Int64) - inner
    return counts.to_numpy().astype(np.int64)
