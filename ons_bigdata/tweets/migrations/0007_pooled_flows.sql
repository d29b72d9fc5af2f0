-- Pooled flows have a row for every pair of areas, also where no user moved.

alter table restricted.tweet_migration_flows
drop constraint tweet_migration_flows_moves_check,
add constraint tweet_migration_flows_moves_check check (moves >= 0);
