"""Latent Markov chain of quarters: what a home was in each quarter, given all its judgements, some of which are wrong.

A judgement near its bound blinks, and a second home without a visit in a quarter looks vacant: counted as they are,
each such error is two flows. The chain knows how often judgements err, and that homes rarely change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_repeated
from ons_bigdata.meters.methods.vacancy.model import LEAST_BOUND

KIND = "prior of the chain of quarters"
STATES = ("lived_in", "second_home", "vacant")
LIVED_IN, SECOND_HOME, VACANT = range(3)
VACANT_EDGES = (0.028, LEAST_BOUND, 0.343, 0.744)
"""Edges of the classes of the probability of vacancy; the second is the bound of the shipped flag."""
SYMBOLS = 2 * len(VACANT_EDGES) + 2
"""Observations: class of the probability of vacancy, for homes that are judged second homes and others."""

Floats = np.ndarray


@dataclass(frozen=True)
class ChainPrior:
    """Expected states and judgements before any is seen, each as evidence of so many quarters."""

    initial: Floats
    """Homes by state in the first quarter; shape (3,)."""
    transitions: Floats
    """Quarters by state and that of the next quarter; shape (3, 3)."""
    emissions: Floats
    """Quarters by state and observation; shape (3, SYMBOLS)."""


@dataclass(frozen=True)
class QuarterChain:
    """Probabilities of a chain: rows add up to 1."""

    initial: Floats
    transitions: Floats
    emissions: Floats


@dataclass(frozen=True)
class Panel:
    """Observations of homes over consecutive quarters: -1: a quarter not judged, -2: a home not there."""

    meters: pl.Series
    quarters: pl.Series
    symbols: np.ndarray
    """Shape (homes, quarters)."""


def observe(quarters: pl.DataFrame) -> Panel:
    """Observations of judged quarters (columns meter, quarter, probability_vacant, is_second_home).

    A home is there from its first judged quarter to its last row. Raises ValueError on a missing column or a quarter
    that comes twice.
    """
    refuse_missing_columns(quarters, ["meter", "quarter", "probability_vacant", "is_second_home"], "quarters")
    refuse_repeated(quarters, ["meter", "quarter"], "quarters")
    chance = pl.col("probability_vacant")
    level = pl.sum_horizontal(*((chance >= edge).cast(pl.Int8) for edge in VACANT_EDGES))
    symbol = 2 * level + pl.col("is_second_home").fill_null(value=False).cast(pl.Int8)
    rows = quarters.select("meter", "quarter", symbol=pl.when(chance.is_not_null()).then(symbol).otherwise(-1))
    first = pl.col("quarter").filter(pl.col("symbol") >= 0).min().over("meter")
    rows = rows.filter(pl.col("quarter") >= first).sort("meter", "quarter")
    meters = rows["meter"].unique(maintain_order=True)
    if rows.is_empty():
        return Panel(meters, pl.Series("quarter", [], dtype=pl.Date), np.empty((0, 0), dtype=np.int64))
    first_day, last_day = rows.select(
        pl.col("quarter").min().alias("first"), pl.col("quarter").max().alias("last")
    ).row(0)
    ends = pl.select(pl.date_range(first_day, last_day, "1q").alias("quarter"))["quarter"]
    symbols = np.full((len(meters), len(ends)), -2, dtype=np.int64)
    home = rows["meter"].rle_id().to_numpy()
    place = ends.search_sorted(rows["quarter"]).to_numpy()
    symbols[home, place] = rows["symbol"].to_numpy()
    # A quarter without a row between two others is there, but not judged.
    later = np.maximum.accumulate((symbols > -2)[:, ::-1], axis=1)[:, ::-1]
    earlier = np.maximum.accumulate(symbols > -2, axis=1)
    symbols[(symbols == -2) & later & earlier] = -1
    return Panel(meters, ends, symbols)


def fit_chain(panel: Panel, prior: ChainPrior, *, rounds: int = 50) -> QuarterChain:
    """Chain that fits the observations and the prior best (EM; Baum-Welch with Dirichlet priors).

    From three quarters on the errors of the judgements are identified without any truth: a change that is taken back in
    the next quarter is more probably an error.

    Source: Rabiner (1989), A tutorial on hidden Markov models, section III; Biemer (2011), Latent Class Analysis of
    Survey Error, chapter 6 (Markov latent class analysis).
    """
    chain = QuarterChain(*(_shares(part) for part in (prior.initial, prior.transitions, prior.emissions)))
    for _ in range(rounds):
        states, pairs = posteriors(panel, chain)
        is_there = panel.symbols > -2
        begins = np.zeros_like(states)
        if is_there.any():
            homes = np.flatnonzero(is_there.any(axis=1))
            places = is_there[homes].argmax(axis=1)
            begins[homes, places] = states[homes, places]
        seen = np.stack([states[panel.symbols == symbol].sum(axis=0) for symbol in range(SYMBOLS)], axis=1)
        chain = QuarterChain(
            _shares(prior.initial + begins.sum(axis=(0, 1))),
            _shares(prior.transitions + pairs.sum(axis=(0, 1))),
            _shares(prior.emissions + seen),
        )
    return chain


def posteriors(panel: Panel, chain: QuarterChain) -> tuple[Floats, Floats]:
    """Probabilities of the states of each home and quarter, and of the pairs of states of it and the quarter before.

    Shapes (homes, quarters, 3) and (homes, quarters, 3, 3); zero where a home is not there, or was not the quarter
    before. The sums of pairs over either state are those of the states: flows and stocks balance.
    """
    symbols = panel.symbols
    homes, count = symbols.shape
    likelihood = np.ones((homes, count, 3))
    likelihood[symbols >= 0] = chain.emissions.T[symbols[symbols >= 0]]
    is_there = symbols > -2
    forward = np.zeros((homes, count, 3))
    for place in range(count):
        before = forward[:, place - 1] @ chain.transitions if place else np.zeros((homes, 3))
        begins = is_there[:, place] & ~(is_there[:, place - 1] if place else np.zeros(homes, dtype=bool))
        before[begins] = chain.initial
        forward[:, place] = _shares(before * likelihood[:, place]) * is_there[:, place, None]
    states, pairs = np.zeros_like(forward), np.zeros((homes, count, 3, 3))
    for place in reversed(range(count)):
        goes_on = is_there[:, place] & is_there[:, place + 1] if place + 1 < count else np.zeros(homes, dtype=bool)
        states[:, place] = forward[:, place]
        if goes_on.any():
            # Of the state before, given that after (Rauch-Tung-Striebel for a discrete chain).
            joint = forward[goes_on, place][:, :, None] * chain.transitions
            backward = joint / joint.sum(axis=1, keepdims=True)
            pairs[goes_on, place + 1] = backward * states[goes_on, place + 1][:, None, :]
            states[goes_on, place] = pairs[goes_on, place + 1].sum(axis=2)
    return states, pairs


def _shares(weights: Floats) -> Floats:
    total = weights.sum(axis=-1, keepdims=True)
    return weights / np.where(total > 0, total, 1)


@cache
def default_prior() -> ChainPrior:
    """Prior that is shipped as package data; how it was fitted: docs/meters/vacancy/stock_and_flow.md."""
    from importlib.resources import files  # noqa: PLC0415  (the one function that reads package data)

    text = files("ons_bigdata.meters.methods.vacancy").joinpath("quarter_chain.json").read_text("utf-8")
    return prior_from_json(text)


def prior_to_json(prior: ChainPrior, fitted_on: str) -> str:
    """JSON text of a prior."""
    parts = {name: np.asarray(value).tolist() for name, value in vars(prior).items()}
    return json.dumps({"kind": KIND, "fitted_on": fitted_on, "vacant_edges": VACANT_EDGES, **parts}, indent=1) + "\n"


def prior_from_json(text: str) -> ChainPrior:
    """Prior of its JSON text, as `prior_to_json` writes it. Raises ValueError if it is not one of this version."""
    try:
        record = json.loads(text)
        if record["kind"] != KIND or record["vacant_edges"] != list(VACANT_EDGES):
            message = f"kind {record['kind']!r} with edges {record['vacant_edges']}, expected {list(VACANT_EDGES)}"
            raise ValueError(message)
        shapes = {"initial": (3,), "transitions": (3, 3), "emissions": (3, SYMBOLS)}
        parts = {name: np.array(record[name], dtype=np.float64).reshape(shape) for name, shape in shapes.items()}
    except (KeyError, TypeError) as error:
        message = f"not the JSON of a {KIND}: {error!r}"
        raise ValueError(message) from error
    if any((part <= 0).any() for part in parts.values()):
        message = f"{KIND}: evidence of 0 or less, expected more than 0 for each state and observation"
        raise ValueError(message)
    return ChainPrior(**parts)


def estimate_flows(
    quarters: pl.DataFrame, areas: pl.DataFrame | None = None, prior: ChainPrior | None = None
) -> pl.DataFrame:
    """Expected stock of vacant homes and its flows by quarter, and by area if areas are given.

    `quarters`: columns as `observe` takes them; all homes of a kind of meter at once, since the chain is fitted on
    them and then summed by area. `areas`: meter, area. `prior`: None is the shipped one.

    Returns area (without areas: null), quarter, stock, into (from lived-in or second home to vacant), out, appeared,
    disappeared, as expected numbers of homes, sorted. For each area, but for rounding of floating point: stock =
    stock of the quarter before + into - out + appeared - disappeared. With each further quarter the earlier ones are
    judged anew.

    Raises ValueError as `observe`, and on a meter without area.
    """
    panel = observe(quarters)
    states, pairs = posteriors(panel, fit_chain(panel, prior or default_prior()))
    is_there = panel.symbols > -2
    was_there = np.pad(is_there, ((0, 0), (1, 0)))[:, :-1]
    vacant = states[:, :, VACANT]
    before = np.pad(vacant, ((0, 0), (1, 0)))[:, :-1]
    values = {
        "stock": vacant,
        "into": pairs[:, :, :VACANT, VACANT].sum(axis=2),
        "out": pairs[:, :, VACANT, :VACANT].sum(axis=2),
        "appeared": np.where(is_there & ~was_there, vacant, 0.0),
        "disappeared": np.where(was_there & ~is_there, before, 0.0),
    }
    homes = panel.meters.rename("meter").to_frame()
    homes = homes.with_columns(area=pl.lit(None, pl.String)) if areas is None else _with_areas(homes, areas)
    count = len(panel.quarters)
    rows = pl.DataFrame(
        {
            "area": homes["area"].gather(np.repeat(np.arange(homes.height), count)),
            "quarter": pl.Series(np.tile(panel.quarters.to_physical().to_numpy(), homes.height), dtype=pl.Int32).cast(
                pl.Date
            ),
            "is_used": (is_there | was_there).ravel(),
            **{name: value.ravel() for name, value in values.items()},
        },
        schema_overrides={"area": pl.String},
    )
    return rows.filter("is_used").group_by("area", "quarter").agg(pl.col(*values).sum()).sort("area", "quarter")


def _with_areas(homes: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    refuse_missing_columns(areas, ["meter", "area"], "areas")
    refuse_repeated(areas, ["meter"], "areas")
    joined = homes.join(areas.select("meter", "area"), on="meter", how="left", maintain_order="left")
    without = joined.filter(pl.col("area").is_null())
    if without.height:
        message = f"areas: meter {without['meter'][0]} has no area, expected one for each meter"
        raise ValueError(message)
    return joined
