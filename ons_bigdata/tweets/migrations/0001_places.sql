-- Places of users of geo-located events: the pilot's three levels, with hours and months of each cluster.
-- Rows come bucket by bucket, sorted by user, so that a block range index is as good as a tree and costs nothing.

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
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    user_key bigint not null,
    data_origin text not null check (data_origin in ('real', 'simulated')),
    cluster integer not null check (cluster >= 0),
    status text not null check (status in ('valid', 'noise')),
    events bigint not null check (events > 0),
    days integer not null check (days > 0),
    first_date date not null,
    last_date date not null,
    easting_m double precision not null,
    northing_m double precision not null,
    max_distance_m double precision not null check (max_distance_m >= 0),
    mean_distance_m double precision not null check (mean_distance_m >= 0),
    std_distance_m double precision not null check (std_distance_m >= 0)
);
create index tweet_clusters_user on restricted.tweet_clusters using brin (user_key);

create table restricted.tweet_events (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    user_key bigint not null,
    event_id bigint not null,
    data_origin text not null check (data_origin in ('real', 'simulated')),
    cluster integer not null check (cluster >= 0),
    status text not null check (status in ('valid', 'noise')),
    ts_utc timestamptz not null,
    local_date date not null,
    month date not null,
    weekday integer not null check (weekday between 1 and 7),
    hour integer not null check (hour between 0 and 23)
);
create index tweet_events_user on restricted.tweet_events using brin (user_key);

create table restricted.tweet_cluster_hours (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    user_key bigint not null,
    data_origin text not null check (data_origin in ('real', 'simulated')),
    cluster integer not null check (cluster >= 0),
    weekday integer not null check (weekday between 1 and 7),
    hour integer not null check (hour between 0 and 23),
    events bigint not null check (events > 0),
    days integer not null check (days > 0)
);
create index tweet_cluster_hours_user on restricted.tweet_cluster_hours using brin (user_key);

create table restricted.tweet_cluster_months (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    user_key bigint not null,
    data_origin text not null check (data_origin in ('real', 'simulated')),
    cluster integer not null check (cluster >= 0),
    month date not null check (extract(day from month) = 1),
    events bigint not null check (events > 0),
    days integer not null check (days > 0)
);
create index tweet_cluster_months_user on restricted.tweet_cluster_months using brin (user_key);
