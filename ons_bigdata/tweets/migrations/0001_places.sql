-- Places of users of geo-located events: the pilot's three levels, with hours and months of each cluster.
-- Rows come bucket by bucket, sorted by user, so that a block range index is as good as a tree and costs nothing.
-- Bounds of the large tables are checked by their frames, before rows are copied.

create table restricted.tweet_users (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    user_key bigint not null,
    data_origin text not null check (data_origin in ('real', 'simulated')),
    source text not null check (source ~ '^[a-z0-9_-]{1,64}$'),
    robot_rule text check (robot_rule in ('volume', 'constant_interval', 'fixed_position', 'client')),
    first_date date not null,
    last_date date not null,
    events bigint not null check (events > 0),
    duplicates bigint not null check (duplicates >= 0),
    robot_events bigint not null check (robot_events >= 0),
    outside_events bigint not null check (outside_events >= 0),
    clustered_events bigint not null check (clustered_events >= 0),
    noise_events bigint not null check (noise_events >= 0),
    valid_clusters integer not null check (valid_clusters >= 0),
    noise_clusters integer not null check (noise_clusters >= 0),
    constraint every_event_is_somewhere check (
        events = duplicates + robot_events + outside_events + clustered_events + noise_events
    ),
    primary key (user_key, recipe)
);

create table restricted.tweet_clusters (
    recipe text not null,
    user_key bigint not null,
    data_origin text not null,
    cluster integer not null,
    status text not null,
    events bigint not null,
    days integer not null,
    first_date date not null,
    last_date date not null,
    easting_m double precision not null,
    northing_m double precision not null,
    max_distance_m double precision not null,
    mean_distance_m double precision not null,
    std_distance_m double precision not null
);
create index tweet_clusters_user on restricted.tweet_clusters using brin (user_key);

create table restricted.tweet_events (
    recipe text not null,
    user_key bigint not null,
    event_id bigint not null,
    data_origin text not null,
    cluster integer not null,
    status text not null,
    ts_utc timestamptz not null,
    local_date date not null,
    month date not null,
    weekday integer not null,
    hour integer not null
);
create index tweet_events_user on restricted.tweet_events using brin (user_key);

create table restricted.tweet_cluster_hours (
    recipe text not null,
    user_key bigint not null,
    data_origin text not null,
    cluster integer not null,
    weekday integer not null,
    hour integer not null,
    events bigint not null,
    days integer not null
);
create index tweet_cluster_hours_user on restricted.tweet_cluster_hours using brin (user_key);

create table restricted.tweet_cluster_months (
    recipe text not null,
    user_key bigint not null,
    data_origin text not null,
    cluster integer not null,
    month date not null,
    events bigint not null,
    days integer not null
);
create index tweet_cluster_months_user on restricted.tweet_cluster_months using brin (user_key);
