"""Homes and workplaces of all users in one pass, against a loop over users in pandas.

Simulated stays: each user has a home, a workplace on weekdays and other places, seen a few times a day. Peer: the plain
rule (home: most nights; workplace: most weekdays with time between 9 and 17 h), user by user, on some of the users. The
peer does less: it computes two of our 57 features and no probability.

Usage: python benchmarks/label_places.py [--users 20000] [--days 60] [--peer-users 500]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd
import polars as pl

from ons_bigdata.estimation.anchors import label_places


def simulate(users: int, days: int) -> pl.DataFrame:
    """Two stays a day of each user, at the hour's place: 0 home, 1 work, others up to 9."""
    random = np.random.default_rng(3)
    n = users * days * 2
    user = np.repeat(np.arange(users), days * 2)
    day = np.tile(np.repeat(np.arange(days), 2), users)
    hour = random.uniform(0, 24, n)
    at_work = (day % 7 < 5) & (hour > 9) & (hour < 17)
    elsewhere = random.uniform(size=n) < 0.2
    place = np.where(elsewhere, random.integers(2, 10, n), at_work.astype(int))
    start = pl.Series(((day * 24 + hour) * 3600 + 4 * 86_400).astype(np.int64))
    return pl.DataFrame({"user": user, "place": place, "start": start}).select(
        "user",
        "place",
        started_at=pl.from_epoch("start").cast(pl.Datetime("us")),
        ended_at=pl.from_epoch(pl.col("start") + 5400).cast(pl.Datetime("us")),
    )


def peer(stays: pd.DataFrame) -> dict[int, tuple[int | None, int | None]]:
    """Home and workplace of each user by the plain rule."""
    result = {}
    for user, rows in stays.groupby("user"):
        hour, day = rows["started_at"].dt.hour, rows["started_at"].dt.normalize()
        night = rows[(hour >= 22) | (hour < 6)].assign(
            night=(rows["started_at"] - pd.Timedelta(hours=6)).dt.normalize()
        )
        nights = night.groupby("place")["night"].nunique()
        work = rows[(hour >= 9) & (hour < 17) & (day.dt.day_of_week < 5)].assign(day=day)
        workdays = work.groupby("place")["day"].nunique()
        home = int(nights.idxmax()) if len(nights) else None
        workdays = workdays.drop(home, errors="ignore")
        result[int(user)] = (home, int(workdays.idxmax()) if len(workdays) else None)
    return result


def main() -> None:
    """Time both and print rates and agreement."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--users", type=int, default=20_000)
    arguments.add_argument("--days", type=int, default=60)
    arguments.add_argument("--peer-users", type=int, default=500)
    chosen = arguments.parse_args()
    stays = simulate(chosen.users, chosen.days)
    cpu = time.process_time()
    labelled = label_places(stays)
    cpu = time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{stays.height} stays of {chosen.users} users: {cpu:.1f} CPU s, {stays.height / cpu:,.0f}/s, {peak:.0f} MiB")
    some = stays.filter(pl.col("user") < chosen.peer_users).to_pandas()
    cpu = time.process_time()
    theirs = peer(some)
    cpu = time.process_time() - cpu
    print(f"peer, {len(some)} stays: {cpu:.1f} CPU s, {len(some) / cpu:,.0f}/s")
    for number, label in enumerate(("home", "work")):
        ours = labelled.filter(pl.col("label") == label).group_by("user", maintain_order=True).first()
        places = dict(ours.select("user", "place").iter_rows())
        same = sum(places.get(user) == answer[number] for user, answer in theirs.items())
        print(f"{label}: the same for {same} of {len(theirs)} users")


if __name__ == "__main__":
    main()
