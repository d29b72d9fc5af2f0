"""Simulated users with known residence, moves and trips, made for tests of residence apart from the simulated world.

Clusters are given, not found: what is tested here begins after clustering and address classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

FIRST, LAST = date(2014, 4, 1), date(2014, 10, 31)
DAYS = (LAST - FIRST).days + 1
HOURS = (7, 8, 12, 13, 17, 19, 20, 21, 22, 23)
NO_OUTAGES = pl.DataFrame(
    schema={"started_at": pl.Datetime("us", "UTC"), "ended_at": pl.Datetime("us", "UTC"), "authority": pl.String}
)


@dataclass(frozen=True)
class Migrants:
    """Events and clusters as the methods take them, and the truth: where each user lived, and who moved."""

    events: pl.DataFrame
    clusters: pl.DataFrame
    spells: pl.DataFrame
    """user_key, authority, kind (home, term, parental), first_day, last_day (half-open day numbers)."""
    moves: pl.DataFrame
    """user_key, from_area, to_area, moved_on, is_return (term-time return, no migration)."""
    rates: pl.DataFrame
    """user_key, events_per_month."""


def twelve_outages(authorities: list[str | None], seed: int = 5) -> pl.DataFrame:
    """Twelve outages of two to nine days, of all these authorities."""
    random = np.random.default_rng(seed)
    starts = np.sort(random.choice(DAYS - 10, 12, replace=False))
    begin = datetime(FIRST.year, FIRST.month, FIRST.day, 6, tzinfo=UTC)
    rows = [
        (begin + timedelta(days=int(start)), begin + timedelta(days=float(start + random.uniform(2, 9))), authority)
        for start in starts
        for authority in authorities
    ]
    return pl.DataFrame(rows, schema=NO_OUTAGES.schema, orient="row")


def migrants(  # noqa: PLR0915
    users: int, *, seed: int, activity: str = "pareto", authorities: int = 20, outages: pl.DataFrame = NO_OUTAGES
) -> Migrants:
    """Users of whom 12 % move home within the period, 10 % are students with a summer at the parents' home.

    `activity` of users: `pareto` or `lognormal`. Students begin, return to or leave the university town of their own.
    A fifth of the others spend weekends with somebody in another authority, a third have a trip of a few weeks.
    """
    random = np.random.default_rng(seed)
    rate = random.pareto(1.1, users) + 0.3 if activity == "pareto" else np.exp(random.normal(1.2, 1.3, users))
    rate = np.minimum(rate * (4 if activity == "pareto" else 3), 400.0)
    names = [f"E{number:08d}" for number in range(authorities)]
    lost = _lost_hours(outages, names)
    events = []
    clusters: list[tuple[int, int, str, str, str, str]] = []
    spells: list[tuple[int, str, str, int, int]] = []
    moves: list[tuple[int, str, str, date, bool]] = []
    for user in range(users):
        home, other, third = random.choice(authorities, 3, replace=False)
        lives = np.zeros(DAYS, dtype=np.int64)  # cluster of the residence
        places = [(home, "residential", "home"), (home, "commercial", "work"), (other, "residential", "other")]
        kind = random.random()
        if kind < 0.12:
            day = int(random.integers(15, DAYS - 15))
            lives[day:] = 3
            places.append((third, "residential", "home"))
            moves.append((user, names[home], names[third], FIRST + timedelta(days=day), False))
            spells += [(user, names[home], "home", 0, day), (user, names[third], "home", day, DAYS)]
        elif kind < 0.22:
            has_hall = random.random() < 0.5
            places.append((third, "hall" if has_hall else "residential", "term_home" if has_hall else "home"))
            leaves = int(random.integers(60, 85))
            returns = int(random.integers(160, 180))
            role = random.choice(["fresher", "returns", "graduate"])
            parental, term = names[home], names[third]
            if role in {"returns", "graduate"}:
                lives[:leaves] = 3
                spells.append((user, term, "term", 0, leaves))
                moves.append((user, term, parental, FIRST + timedelta(days=leaves), role == "returns"))
            else:
                leaves = 0
            if role in {"returns", "fresher"}:
                lives[returns:] = 3
                spells += [(user, parental, "parental", leaves, returns), (user, term, "term", returns, DAYS)]
                moves.append((user, parental, term, FIRST + timedelta(days=returns), role == "returns"))
            else:
                spells.append((user, parental, "parental", leaves, DAYS))
        else:
            spells.append((user, names[home], "home", 0, DAYS))
        presence = lives.copy()
        if random.random() < 0.33:
            begin = int(random.integers(0, DAYS - 20))
            presence[begin : begin + int(random.integers(4, 18))] = 2
        if random.random() < 0.2:
            presence[(np.arange(DAYS) % 7 >= 5) & (random.random(DAYS) < 0.6)] = 2
        for number, (area, group, of_type) in enumerate(places):
            clusters.append((user, number, group, of_type, f"{names[area]}-{int(random.integers(5))}", names[area]))
        lively = random.gamma(3.0, 1 / 3.0, 8)[np.arange(DAYS) // 30]
        counts = random.poisson(rate[user] / 30.4375 * lively)
        day = np.repeat(np.arange(DAYS), counts)
        hour = random.choice(HOURS, len(day))
        draw = random.random(len(day))
        cluster = np.select([draw < 0.55, draw < 0.75, draw < 0.8], [presence[day], 1, 2], -1)
        area = np.array([place[0] for place in places])[lives[day]]
        kept = (cluster >= 0) & ~lost[area, day * 24 + hour]
        events.append(np.stack([np.full(len(day), user), cluster, day, hour])[:, kept])
    frame = pl.DataFrame(np.concatenate(events, axis=1).T, schema=["user_key", "cluster", "day", "hour"])
    frame = frame.filter(pl.len().over("user_key", "cluster") >= 3)
    known = frame.select("user_key", "cluster").unique()
    schema = ["user_key", "cluster", "class_group", "cluster_type", "output_area", "authority"]
    return Migrants(
        events=frame.select("user_key", "cluster", "hour", local_date=pl.lit(FIRST) + pl.duration(days="day")),
        clusters=pl.DataFrame(clusters, schema=schema, orient="row").join(
            known, on=["user_key", "cluster"], how="semi"
        ),
        spells=pl.DataFrame(spells, schema=["user_key", "authority", "kind", "first_day", "last_day"], orient="row"),
        moves=pl.DataFrame(moves, schema=["user_key", "from_area", "to_area", "moved_on", "is_return"], orient="row"),
        rates=pl.DataFrame({"user_key": np.arange(users), "events_per_month": rate}),
    )


def _lost_hours(outages: pl.DataFrame, names: list[str]) -> np.ndarray:  # type: ignore[type-arg]
    """Hours of collection lost, authorities × hours of the period."""
    lost = np.zeros((len(names), DAYS * 24 + 1), dtype=np.bool_)
    begin = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
    for started_at, ended_at, authority in outages.iter_rows():
        hours = slice(
            int((started_at - begin).total_seconds() // 3600) + 1, int((ended_at - begin).total_seconds() // 3600) + 1
        )
        lost[[names.index(authority)] if authority else slice(None), hours] = True
    return lost
