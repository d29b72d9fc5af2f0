"""Frames of the places of users: the pilot's three levels, hours and months of clusters, and the parameters."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.tweets.schemas.vocabulary import HEX_ID, IDENTIFIER, ORIGIN, ROBOT_RULES

_STATUS = "^(valid|noise)$"
_RECIPE = "recipe of the clusters, as in `seeds.tweet_cluster_recipes`"
_USER = "pseudonym of the user"
_CLUSTER = "number of the cluster, 0, 1, … per user and recipe; noise is numbered after the valid ones"
_DAYS = "days (Europe/London) with such events"


class TweetUser(dy.Schema):
    """One row per user and recipe: what became of the user's events (`restricted.tweet_users`).

    events = duplicates + robot_events + outside_events + clustered_events + noise_events.
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    parameters_hash = dy.String(regex=HEX_ID, description="hash of the parameters of recipe and robot rules")
    user_key = dy.Int64(primary_key=True, description=_USER)
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    source = dy.String(regex=IDENTIFIER, description="platform of the user")
    robot_rule = dy.String(
        nullable=True, regex=f"^({'|'.join(ROBOT_RULES)})$", description="first rule by which it is a robot, or null"
    )
    first_date = dy.Date(description="day of the first event, Europe/London")
    last_date = dy.Date(description="day of the last event, Europe/London")
    events = dy.Int64(min=1, description="rows of the lake")
    duplicates = dy.Int64(min=0, description="rows of an event, or of a second of the user, beyond the first")
    robot_events = dy.Int64(min=0, description="events of a robot")
    outside_events = dy.Int64(min=0, description="events outside the coverage of the British National Grid")
    clustered_events = dy.Int64(min=0, description="events in valid clusters")
    noise_events = dy.Int64(min=0, description="events in no valid cluster")
    valid_clusters = dy.Int32(min=0, description="clusters with enough events")
    noise_clusters = dy.Int32(min=0, description="groups of noise events within reach of each other")


class TweetCluster(dy.Schema):
    """One row per cluster of a user and recipe: its place and spread (`restricted.tweet_clusters`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    user_key = dy.Int64(primary_key=True, description=_USER)
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    cluster = dy.Int32(primary_key=True, min=0, description=_CLUSTER)
    status = dy.String(regex=_STATUS, description="valid, or noise: too few events")
    events = dy.Int64(min=1, description="events in the cluster")
    days = dy.Int32(min=1, description=_DAYS)
    first_date = dy.Date(description="day of the first event, Europe/London")
    last_date = dy.Date(description="day of the last event, Europe/London")
    easting_m = dy.Float64(description="mean easting, metres, British National Grid; truncated where the recipe says")
    northing_m = dy.Float64(description="mean northing, metres, British National Grid; truncated where the recipe says")
    max_distance_m = dy.Float64(min=0.0, description="largest distance of an event from the mean position, metres")
    mean_distance_m = dy.Float64(min=0.0, description="mean distance of the events from the mean position, metres")
    std_distance_m = dy.Float64(min=0.0, description="standard deviation of that distance over the events, metres")


class TweetEvent(dy.Schema):
    """One row per event of a user who is no robot, within coverage, and recipe (`restricted.tweet_events`).

    Of the recipes that have events.
    """

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    user_key = dy.Int64(primary_key=True, description=_USER)
    event_id = dy.Int64(primary_key=True, description="pseudonym of the event")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    cluster = dy.Int32(min=0, description=_CLUSTER)
    status = dy.String(regex=_STATUS, description="valid or noise, as the cluster")
    ts_utc = dy.Datetime(time_unit="us", time_zone="UTC", description="time of the event, UTC")
    local_date = dy.Date(description="day of the event, Europe/London")
    month = dy.Date(description="first day of the month, Europe/London")
    weekday = dy.Int32(min=1, max=7, description="1 Monday … 7 Sunday, Europe/London")
    hour = dy.Int32(min=0, max=23, description="hour of the day, Europe/London")


class TweetClusterHour(dy.Schema):
    """One row per valid cluster, weekday and hour with events (`restricted.tweet_cluster_hours`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    user_key = dy.Int64(primary_key=True, description=_USER)
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    cluster = dy.Int32(primary_key=True, min=0, description=_CLUSTER)
    weekday = dy.Int32(primary_key=True, min=1, max=7, description="1 Monday … 7 Sunday, Europe/London")
    hour = dy.Int32(primary_key=True, min=0, max=23, description="hour of the day, Europe/London")
    events = dy.Int64(min=1, description="events in the cluster on that weekday in that hour")
    days = dy.Int32(min=1, description=_DAYS)


class TweetClusterMonth(dy.Schema):
    """One row per valid cluster and month with events (`restricted.tweet_cluster_months`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description=_RECIPE)
    user_key = dy.Int64(primary_key=True, description=_USER)
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    cluster = dy.Int32(primary_key=True, min=0, description=_CLUSTER)
    month = dy.Date(primary_key=True, description="first day of the month, Europe/London")
    events = dy.Int64(min=1, description="events in the cluster in that month")
    days = dy.Int32(min=1, description=_DAYS)


class RobotRule(dy.Schema):
    """One row per parameter of a rule by which users are robots (`seeds.tweet_robot_rules`)."""

    rule = dy.String(primary_key=True, regex=f"^({'|'.join(ROBOT_RULES)})$", description="rule")
    parameter = dy.String(primary_key=True, regex="^[a-z_]{1,40}$", description="parameter of the rule")
    value = dy.Float64(min=0.0, description="value of the parameter")


class ClusterRecipe(dy.Schema):
    """One row per recipe of clusters (`seeds.tweet_cluster_recipes`)."""

    recipe = dy.String(primary_key=True, regex=IDENTIFIER, description="name of the recipe")
    eps_m = dy.Float64(min_exclusive=0.0, description="distance of neighbours in metres")
    min_points = dy.Int32(min=1, description="events that make a valid cluster")
    is_strict = dy.Bool(description="whether neighbours are closer than eps, else at most eps apart")
    is_integer_metres = dy.Bool(description="whether coordinates are truncated to whole metres")
    variant = dy.String(regex="^(dbscan|components)$", description="dbscan or components")
    robots = dy.String(regex="^(all|volume)$", description="robots that are out: by all rules or by volume alone")
    has_events = dy.Bool(description="whether `restricted.tweet_events` holds it")
    is_computed = dy.Bool(description="whether the tables hold it")
