"""Checks of residence and migration on a few rows: each finds its fault and passes without it."""

from __future__ import annotations

from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.tweets.checks import migration

FLOW = (
    "insert into restricted.tweet_migration_flows values ('E12000001', 'E12000002', '2014-07-01', {moves}, 9, 1, 20,"
    " null, 'dbscan_20m', 'real', 'region', '0123456789abcdef')"
)
AREA = (
    "insert into restricted.tweet_area_migration values ('{area}', '2014-07-01', {into}, {out}, 9, 1, 20, 9, 1, 20, 0,"
    " -9, 9, null, 'dbscan_20m', 'real', 'region', '0123456789abcdef')"
)
USER = (
    "insert into restricted.tweet_users select 'dbscan_20m', '0123456789abcdef', number, 'real', 'twitter', null,"
    " '2014-04-01', '2014-04-01', 1, 0, 0, 0, 0, 1, (number <= {placed})::int, 1 from generate_series(1, {users})"
    " as number"
)


def test_moves_of_regions_are_those_of_flows(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(FLOW.format(moves=3))
        transaction.execute(AREA.format(area="E12000001", into=0, out=3))
        transaction.execute(AREA.format(area="E12000002", into=2, out=0))
    rows = warehouse.rows(migration._SUMS_OF_FLOWS)
    assert [(row[3], row[4], row[5], row[6]) for row in rows] == [("E12000002", "in", 3, 2)]
    with warehouse.transaction() as transaction:
        transaction.execute("update restricted.tweet_area_migration set moves_in = 3 where area = 'E12000002'")
    assert warehouse.rows(migration._SUMS_OF_FLOWS) == []


def test_flows_without_a_move_are_taken(warehouse: Warehouse) -> None:
    """Pooled flows have a row for every pair of regions."""
    with warehouse.transaction() as transaction:
        transaction.execute(FLOW.format(moves=0))
    assert warehouse.rows(migration._SUMS_OF_FLOWS) == []


def test_nobody_is_at_risk_for_longer_than_a_month_has(warehouse: Warehouse) -> None:
    """User 1 in two areas for 16 days each of June; user 2 for all 30."""
    with warehouse.transaction() as transaction:
        for user, area, days in ((1, "E08000001", 16), (1, "E08000002", 16), (2, "E08000001", 30)):
            transaction.execute(
                "insert into restricted.tweet_time_at_risk values ($1, $2, '2014-06-01', $3, 'dbscan_20m', 'real')",
                [user, area, days / 30.4375],
            )
    assert [row[3] for row in warehouse.rows(migration._TIME_AT_RISK)] == [1]


def test_the_share_with_a_valid_cluster_is_near_the_pilots(warehouse: Warehouse) -> None:
    parameters = [migration.PILOTS_SHARE, migration.LEAST_USERS, migration.TOLERANCE]
    with warehouse.transaction() as transaction:
        transaction.execute(USER.format(users=600, placed=450))
    assert warehouse.rows(migration._SHARE_WITH_A_CLUSTER, parameters) == [("dbscan_20m", "real", 600, 75.0, 61.1)]
    with warehouse.transaction() as transaction:
        transaction.execute("update restricted.tweet_users set valid_clusters = 0 where user_key > 366")
    assert warehouse.rows(migration._SHARE_WITH_A_CLUSTER, parameters) == []
