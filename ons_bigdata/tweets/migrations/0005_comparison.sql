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
