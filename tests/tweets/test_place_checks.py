"""Checks of places on a few rows: recipes without events are compared in the other levels alone."""

from __future__ import annotations

from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.tweets.checks import places


def test_events_are_compared_for_the_recipes_that_have_them(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("create table seeds.tweet_cluster_recipes (recipe text, has_events boolean)")
        transaction.execute("insert into seeds.tweet_cluster_recipes values ('dbscan_20m', true), ('ons_2015', false)")
        for recipe in ("dbscan_20m", "ons_2015"):
            transaction.execute(
                "insert into restricted.tweet_users values ($1, '0123456789abcdef', 1, 'real', 'twitter', null,"
                " '2014-04-01', '2014-04-01', 1, 0, 0, 0, 0, 1, 0, 1)",
                [recipe],
            )
            transaction.execute(
                "insert into restricted.tweet_clusters values ($1, 1, 'real', 0, 'noise', 1, 1, '2014-04-01',"
                " '2014-04-01', 0, 0, 0, 0, 0)",
                [recipe],
            )
    assert warehouse.rows(places._EVENTS_BY_RECIPE) == [("dbscan_20m", "events", None, 1)]
