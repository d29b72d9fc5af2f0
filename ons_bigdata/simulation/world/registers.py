"""A register of residents in which some register late: the moves that it shows of true moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Registration:
    """Habit of a group after a move: share that never registers, and delay of the others."""

    never_share: float
    """Share of moves after which nobody registers before moving on, 0–1."""
    median_days: float
    """Median of the days to the registration of the others, > 0; the delay is log-normal."""
    log_spread: float = 0.8
    """Standard deviation of the logarithm of the delay."""


PROMPT = Registration(never_share=0.03, median_days=30.0)
LATE = Registration(never_share=0.35, median_days=150.0)
"""Made-up values of the direction that is known: young men register later than others, some not before they leave."""


def registered_moves(
    moves: pl.DataFrame,
    *,
    seed: int,
    prompt: Registration = PROMPT,
    late: Registration = LATE,
    late_ages: tuple[int, int] = (18, 24),
    area_spread: float = 0.8,
) -> pl.DataFrame:
    """Moves that the register shows, with the day of the registration.

    `moves`: person, sex (female, male), age (years), origin, destination, moved_on (Date): true moves, of a person in
    any order. Men of `late_ages` (both included) register by `late`, all others by `prompt`. `area_spread`: standard
    deviation, over destinations, of the log odds of `late.never_share`: in some places most register at enrolment, in
    others hardly anybody.

    A person who moves on before registering never appears at the place between: the register shows a single move
    from the last registered area. Returns person, sex, age, origin, destination, registered_on; moves back to the
    registered area do not appear. The same seed and moves give the same rows.
    """
    ordered = moves.sort("person", "moved_on", "destination", maintain_order=True)
    random = np.random.default_rng(seed)
    areas = ordered["destination"].unique().sort()
    log_odds = np.log(late.never_share / (1 - late.never_share)) + area_spread * random.standard_normal(len(areas))
    never_by_area = dict(zip(areas.to_list(), (1 / (1 + np.exp(-log_odds))).tolist(), strict=True))
    is_late = ordered.select((pl.col("sex") == "male") & pl.col("age").is_between(*late_ages)).to_series().to_numpy()
    never = np.where(
        is_late,
        ordered["destination"].replace_strict(never_by_area, return_dtype=pl.Float64).to_numpy(),
        prompt.never_share,
    )
    noise = random.standard_normal(ordered.height)
    days = np.where(
        is_late,
        late.median_days * np.exp(late.log_spread * noise),
        prompt.median_days * np.exp(prompt.log_spread * noise),
    )
    days = np.where(random.random(ordered.height) < never, np.inf, np.ceil(days))
    return _shown(ordered, days)


def _shown(ordered: pl.DataFrame, days: np.ndarray) -> pl.DataFrame:
    """Rows of the register, from true moves in order and the days from each to its registration."""
    rows = []
    registered: str | None = None
    persons, moved_on = ordered["person"].to_list(), ordered["moved_on"].to_list()
    origins, destinations = ordered["origin"].to_list(), ordered["destination"].to_list()
    for place, person in enumerate(persons):
        if place == 0 or persons[place - 1] != person:
            registered = origins[place]
        if not np.isfinite(days[place]):
            continue
        registered_on = moved_on[place] + timedelta(days=int(days[place]))
        is_last = place + 1 == len(persons) or persons[place + 1] != person
        if not is_last and moved_on[place + 1] <= registered_on:
            continue
        if destinations[place] != registered:
            rows.append((place, registered, destinations[place], registered_on))
        registered = destinations[place]
    shown = pl.DataFrame(
        rows,
        schema={
            "place": pl.UInt32,
            "origin": ordered.schema["origin"],
            "destination": ordered.schema["destination"],
            "registered_on": pl.Date,
        },
        orient="row",
    )
    people = ordered.select("person", "sex", "age").with_row_index("place")
    return shown.join(people, on="place", how="left", maintain_order="left").select(
        "person", "sex", "age", "origin", "destination", "registered_on"
    )
