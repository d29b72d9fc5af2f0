"""Frames of residence: residence by month with weights, spells, moves, and time at risk of a move."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.tweets.schemas.vocabulary import IDENTIFIER, ORIGIN

_USER = "pseudonym of the user"
_AREA = "area of the residence, of the level asked for (authority or output area)"
_RECIPE = "recipe of the clusters, as in `seeds.tweet_cluster_recipes`"
_ORIGIN = "real or simulated"
RESIDENCE_STATUSES = ("observed", "carried", "missing")
MOVE_KINDS = ("move", "term_start", "term_end", "trip")


class MonthlyResidence(dy.Schema):
    """One row per user and month from the first to the last month with an observed residence."""

    user_key = dy.Int64(primary_key=True, description=_USER)
    month = dy.Date(primary_key=True, description="first day of the month, Europe/London")
    status = dy.String(
        regex=f"^({'|'.join(RESIDENCE_STATUSES)})$",
        description="observed (enough events), carried (a short gap between months of one authority) or missing",
    )
    cluster = dy.Int32(nullable=True, min=0, description="residential cluster; null if missing or not known")
    output_area = dy.String(nullable=True, description="output area of the residence; null if missing or not known")
    authority = dy.String(nullable=True, description="authority of the residence; null if missing or not known")
    events = dy.Int64(min=0, description="events at the month's largest residential cluster")
    probability_observed = dy.Float64(
        min=0.0, max=1.0, description="chance of reaching the least number of events on the month's days of collection"
    )
    probability_without_outages = dy.Float64(
        min=0.0, max=1.0, description="the same chance if there had been no outage in the month"
    )
    weight = dy.Float64(
        nullable=True,
        min=1.0,
        description="1 / probability_observed, bounded; null unless observed and likely enough without outages",
    )
    outage_weight = dy.Float64(
        nullable=True,
        min=1.0,
        description="probability_without_outages / probability_observed, bounded; null unless observed",
    )


class HomeCluster(dy.Schema):
    """One row per user with a residential cluster: the main home."""

    user_key = dy.Int64(primary_key=True, description=_USER)
    cluster = dy.Int32(min=0, description="number of the cluster")
    output_area = dy.String(nullable=True, description="output area of the nearest address; null where unknown")
    authority = dy.String(nullable=True, description="authority of the nearest address; null where unknown")
    events = dy.Int64(min=1, description="events at the cluster")
    days = dy.Int64(min=1, description="days with events at the cluster, Europe/London")
    score = dy.Float64(min=0.0, description="score of the cluster, as in `home_clusters`")
    share = dy.Float64(min=0.0, max=1.0, description="share of the score in those of the user's residential clusters")


class DetectedMove(dy.Schema):
    """One row per change of residence of a user."""

    user_key = dy.Int64(primary_key=True, description=_USER)
    moved_on = dy.Date(primary_key=True, description="middle of the last day seen before and the first seen after")
    from_area = dy.String(description=_AREA)
    to_area = dy.String(description=_AREA)
    kind = dy.String(
        regex=f"^({'|'.join(MOVE_KINDS)})$",
        description="move; term_start, term_end: to or from a term-time area; trip: there and back",
    )
    is_migration = dy.Bool(description="whether it changes the usual residence: no trip, no term-time return")
    probability = dy.Float64(min=0.0, max=1.0, description="probability that the user lived in the one, then the other")
    months_before = dy.Float64(min=0.0, description="months from the first to the last day seen in the spell before")
    months_after = dy.Float64(min=0.0, description="months from the first to the last day seen in the spell after")
    last_seen_before = dy.Date(description="last day with events in the area before")
    first_seen_after = dy.Date(description="first day with events in the area after")


class TimeAtRisk(dy.Schema):
    """One row per user, area and period in which a move of the user would have been detected."""

    user_key = dy.Int64(primary_key=True, description=_USER)
    area = dy.String(primary_key=True, description=_AREA)
    period = dy.Date(primary_key=True, description="first day of the period")
    months = dy.Float64(min=0.0, description="months of the period in which the user lived there and was observable")


class TweetResidence(MonthlyResidence):
    """One row per user, month and recipe from the first to the last month with an observed residence.

    (`restricted.tweet_residence`)
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)


class TweetHome(HomeCluster):
    """One row per user with a residential cluster and recipe: the main home (`restricted.tweet_homes`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(regex=ORIGIN, description=_ORIGIN)


class TweetMove(DetectedMove):
    """One row per change of residence of a user and recipe (`restricted.tweet_moves`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)


class TweetTimeAtRisk(TimeAtRisk):
    """One row per user, area, month and recipe in which a move would have been detected.

    (`restricted.tweet_time_at_risk`)
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    data_origin = dy.String(primary_key=True, regex=ORIGIN, description=_ORIGIN)


class ResidenceRule(dy.Schema):
    """One row per parameter of residence, moves and flows (`seeds.tweet_residence_rules`)."""

    parameter = dy.String(primary_key=True, regex="^[a-z_]{1,40}$", description="parameter")
    value = dy.Float64(min=0.0, description="value of the parameter")
