-- Residence of users and their moves, flows between areas, and the controlled tables of internal migration.
-- Bounds of the large tables are checked by their frames, before rows are copied.

create table restricted.tweet_residence (
    user_key bigint not null,
    month date not null,
    status text not null,
    cluster integer,
    output_area text,
    authority text,
    events bigint not null,
    probability_observed double precision not null,
    probability_without_outages double precision not null,
    weight double precision,
    outage_weight double precision,
    recipe text not null,
    data_origin text not null
);
create index tweet_residence_user on restricted.tweet_residence using brin (user_key);

create table restricted.tweet_moves (
    user_key bigint not null,
    moved_on date not null,
    from_area text not null,
    to_area text not null,
    kind text not null,
    is_migration boolean not null,
    probability double precision not null,
    months_before double precision not null,
    months_after double precision not null,
    last_seen_before date not null,
    first_seen_after date not null,
    recipe text not null,
    data_origin text not null
);
create index tweet_moves_user on restricted.tweet_moves using brin (user_key);

create table restricted.tweet_time_at_risk (
    user_key bigint not null,
    area text not null,
    period date not null,
    months double precision not null,
    recipe text not null,
    data_origin text not null
);
create index tweet_time_at_risk_user on restricted.tweet_time_at_risk using brin (user_key);

create table restricted.tweet_migration_flows (
    origin text not null,
    destination text not null,
    period date not null,
    moves bigint not null check (moves >= 1),
    flow double precision check (flow >= 0 and flow < 'Infinity'),
    lower double precision check (lower >= 0 and lower < 'Infinity'),
    upper double precision check (upper >= 0 and upper < 'Infinity'),
    reason text,
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    level text not null check (level ~ '^(authority|region)$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (origin, destination, period, recipe, data_origin, level)
);

create table restricted.tweet_area_migration (
    area text not null,
    period date not null,
    moves_in bigint not null check (moves_in >= 0),
    moves_out bigint not null check (moves_out >= 0),
    inflow double precision check (inflow >= 0 and inflow < 'Infinity'),
    inflow_lower double precision check (inflow_lower >= 0 and inflow_lower < 'Infinity'),
    inflow_upper double precision check (inflow_upper >= 0 and inflow_upper < 'Infinity'),
    outflow double precision check (outflow >= 0 and outflow < 'Infinity'),
    outflow_lower double precision check (outflow_lower >= 0 and outflow_lower < 'Infinity'),
    outflow_upper double precision check (outflow_upper >= 0 and outflow_upper < 'Infinity'),
    net double precision check (net > '-Infinity' and net < 'Infinity'),
    net_lower double precision check (net_lower > '-Infinity' and net_lower < 'Infinity'),
    net_upper double precision check (net_upper > '-Infinity' and net_upper < 'Infinity'),
    reason text,
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    level text not null check (level ~ '^(authority|region)$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (area, period, recipe, data_origin, level)
);

create table restricted.tweet_migration_surface (
    interval_months integer not null check (interval_months >= 1),
    duration_months integer not null check (duration_months >= 1),
    starts bigint not null check (starts >= 0),
    observable bigint not null check (observable >= 0),
    users bigint not null check (users >= 0),
    share_observable double precision check (share_observable >= 0 and share_observable <= 1),
    moved bigint not null check (moved >= 0),
    share_moved double precision check (share_moved >= 0 and share_moved <= 1),
    lower double precision check (lower >= 0 and lower <= 1),
    upper double precision check (upper >= 0 and upper <= 1),
    reason text,
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (interval_months, duration_months, recipe, data_origin)
);

create table analysis.internal_migration_flows (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    level text not null check (level ~ '^(authority|region)$'),
    origin text not null,
    destination text not null,
    period date not null,
    moves bigint check (moves >= 0),
    flow double precision check (flow >= 0 and flow < 'Infinity'),
    lower double precision check (lower >= 0 and lower < 'Infinity'),
    upper double precision check (upper >= 0 and upper < 'Infinity'),
    status text not null check (status ~ '^(published|below_threshold)$'),
    reason text,
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (recipe, data_origin, level, origin, destination, period)
);

create table analysis.internal_migration_areas (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    level text not null check (level ~ '^(authority|region)$'),
    area text not null,
    period date not null,
    measure text not null check (measure ~ '^(inflow|outflow|net)$'),
    moves bigint,
    value double precision check (value > '-Infinity' and value < 'Infinity'),
    lower double precision check (lower > '-Infinity' and lower < 'Infinity'),
    upper double precision check (upper > '-Infinity' and upper < 'Infinity'),
    status text not null check (status ~ '^(published|below_threshold)$'),
    reason text,
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (recipe, data_origin, level, area, period, measure)
);

create table analysis.internal_migration_surface (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    interval_months integer not null check (interval_months >= 1),
    duration_months integer not null check (duration_months >= 1),
    share_observable double precision check (share_observable >= 0 and share_observable <= 1),
    moved bigint check (moved >= 0),
    share_moved double precision check (share_moved >= 0 and share_moved <= 1),
    lower double precision check (lower >= 0 and lower <= 1),
    upper double precision check (upper >= 0 and upper <= 1),
    status text not null check (status ~ '^(published|below_threshold)$'),
    reason text,
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (recipe, data_origin, interval_months, duration_months)
);

-- One row per output area and file of populations.

create table raw.area_populations (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    output_area text not null check (output_area ~ '^[A-Z][0-9]{8}$'),
    msoa text check (msoa ~ '^[A-Z][0-9]{8}$'),
    authority text not null check (authority ~ '^[A-Z][0-9]{8}$'),
    authority_name text not null,
    region text not null check (region ~ '^[A-Z][0-9]{8}$'),
    easting_m double precision not null check (easting_m >= 0 and easting_m <= 700000),
    northing_m double precision not null check (northing_m >= 0 and northing_m <= 1300000),
    residents integer not null check (residents >= 0),
    residents_16_plus integer check (residents_16_plus >= 0),
    primary key (load_id, line)
);
create index area_populations_partition on raw.area_populations (data_origin);
