-- Official figures with which migration is compared: yearly moves, moves between regions, tables of the census.

-- One row per accepted row of a detailed file of official internal migration.

create table raw.detailed_migration (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    year_ending date not null,
    origin text not null check (origin ~ '^[A-Z][0-9]{8}$'),
    destination text not null check (destination ~ '^[A-Z][0-9]{8}$'),
    age smallint not null check (age >= 0 and age <= 130),
    sex text not null check (sex ~ '^(female|male)$'),
    moves double precision not null check (moves >= 0 and moves <= 1e+07),
    primary key (load_id, line)
);
create index detailed_migration_partition on raw.detailed_migration (year_ending);

-- One row per accepted row of a file of official migration by authority and age.

create table raw.authority_age_migration (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    year_ending date not null,
    authority text not null check (authority ~ '^[A-Z][0-9]{8}$'),
    authority_name text,
    age_group text not null check (age_group ~ '^(u18|18-25|26-35|36-55|o55)$'),
    moves_in double precision not null check (moves_in >= 0 and moves_in <= 1e+07),
    moves_out double precision not null check (moves_out >= 0 and moves_out <= 1e+07),
    primary key (load_id, line)
);
create index authority_age_migration_partition on raw.authority_age_migration (year_ending);

-- One row per cell of an official table of moves between regions.

create table raw.region_migration (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    year_ending date not null,
    origin text not null check (origin ~ '^[A-Z][0-9]{8}$'),
    destination text not null check (destination ~ '^[A-Z][0-9]{8}$'),
    moves double precision not null check (moves >= 0 and moves <= 1e+08),
    primary key (load_id, line, origin, destination)
);
create index region_migration_partition on raw.region_migration (year_ending);

-- One row per accepted row of an origin-destination table of the census of 2021.

create table raw.census_flows (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    census_table text not null check (census_table ~ '^od(mg|wp)01ew$'),
    geography text not null check (geography ~ '^(ltla|msoa)$'),
    origin text not null check (origin ~ '^[A-Z][0-9]{8}$|^-8$|^999999999$'),
    destination text not null check (destination ~ '^[A-Z][0-9]{8}$|^-8$|^999999999$'),
    workplace_indicator smallint check (workplace_indicator >= -9 and workplace_indicator <= 9),
    persons bigint not null check (persons >= 0 and persons <= 1000000000),
    primary key (load_id, line)
);
create index census_flows_partition on raw.census_flows (census_table);

-- Coverage of authorities, and the agreement with official figures.

create table analysis.migration_coverage (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    authority text not null check (authority ~ '^[A-Z][0-9]{8}$'),
    month date not null,
    residents bigint not null check (residents >= 0),
    users bigint check (users >= 0),
    penetration double precision check (penetration >= 0 and penetration < 'Infinity'),
    lower double precision check (lower >= 0 and lower <= 1),
    upper double precision check (upper >= 0 and upper <= 1),
    log_bias double precision check (log_bias > '-Infinity' and log_bias < 'Infinity'),
    status text not null check (status ~ '^(published|below_threshold)$'),
    reason text,
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (recipe, data_origin, authority, month)
);

create table analysis.migration_comparisons (
    metric text not null check (metric ~ '^[a-z0-9_+-]+$'),
    value double precision check (value > '-Infinity' and value < 'Infinity'),
    lower double precision check (lower > '-Infinity' and lower < 'Infinity'),
    upper double precision check (upper > '-Infinity' and upper < 'Infinity'),
    reason text,
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    comparison text not null check (comparison ~ '^(authority_rates|region_flows|authority_flows)$'),
    year_ending date not null,
    quarters integer check (quarters >= 1 and quarters <= 4),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (recipe, data_origin, comparison, year_ending, metric)
);
