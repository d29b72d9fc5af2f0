-- Deliveries of operators, published flows, tables of the census and areas, as delivered.

-- One row per cell of a long table of flows that an operator delivered.

create table raw.phone_flows (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    month date not null,
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    period_start date not null,
    period_end date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    cell_kind text not null check (cell_kind ~ '^(pair|origin_total|destination_total|total)$'),
    origin_code text not null check (origin_code ~ '^[A-Za-z0-9_]{1,32}$'),
    dest_code text not null check (dest_code ~ '^[A-Za-z0-9_]{1,32}$'),
    segment text not null check (segment ~ '^[a-z0-9_+-]{1,64}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    devices double precision check (devices >= 0 and devices <= 1000000000),
    persons double precision check (persons >= 0 and persons <= 1000000000),
    status text not null check (status ~ '^(observed|suppressed|rounded|structural_zero|not_supplied)$'),
    lower double precision not null check (lower >= 0 and lower <= 1000000000),
    upper double precision check (upper >= 0 and upper <= 1000000000),
    avg_days_observed double precision check (avg_days_observed >= 0 and avg_days_observed <= 366),
    method_version text not null check (method_version ~ '^[a-z0-9_-]{1,64}$'),
    primary key (load_id, line)
);
create index phone_flows_partition on raw.phone_flows (month);

-- One row per cell of a wide matrix of flows that an operator delivered.

create table raw.phone_matrix_flows (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    month date not null,
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    period_start date not null,
    period_end date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    cell_kind text not null check (cell_kind ~ '^(pair|origin_total|destination_total|total)$'),
    origin_code text not null check (origin_code ~ '^[A-Za-z0-9_]{1,32}$'),
    dest_code text not null check (dest_code ~ '^[A-Za-z0-9_]{1,32}$'),
    segment text not null check (segment ~ '^[a-z0-9_+-]{1,64}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    devices double precision check (devices >= 0 and devices <= 1000000000),
    persons double precision check (persons >= 0 and persons <= 1000000000),
    status text not null check (status ~ '^(observed|suppressed|rounded|structural_zero|not_supplied)$'),
    lower double precision not null check (lower >= 0 and lower <= 1000000000),
    upper double precision check (upper >= 0 and upper <= 1000000000),
    avg_days_observed double precision check (avg_days_observed >= 0 and avg_days_observed <= 366),
    method_version text not null check (method_version ~ '^[a-z0-9_-]{1,64}$'),
    primary key (load_id, line, dest_code)
);
create index phone_matrix_flows_partition on raw.phone_matrix_flows (month);

-- One row per zone, segment and day of a delivered table of margins.

create table raw.phone_zone_margins (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    month date not null,
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    zone text not null check (zone ~ '^[A-Za-z0-9_]{1,32}$'),
    segment text not null check (segment ~ '^[a-z0-9_+-]{1,64}$'),
    active_on date,
    devices double precision check (devices >= 0 and devices <= 1000000000),
    status text not null check (status ~ '^(observed|suppressed|rounded|structural_zero|not_supplied)$'),
    penetration double precision check (penetration >= 0 and penetration <= 10),
    primary key (load_id, line)
);
create index phone_zone_margins_partition on raw.phone_zone_margins (month);

-- One row per zone and technology of a delivered table of the network.

create table raw.phone_coverage (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    month date not null,
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    zone text not null check (zone ~ '^[A-Za-z0-9_]{1,32}$'),
    technology text not null check (technology ~ '^(2g|3g|4g|5g|all)$'),
    cells integer not null check (cells >= 0 and cells <= 10000000),
    mean_cell_radius_m double precision check (mean_cell_radius_m >= 0 and mean_cell_radius_m <= 200000),
    share_over_2km double precision not null check (share_over_2km >= 0 and share_over_2km <= 1),
    primary key (load_id, line)
);
create index phone_coverage_partition on raw.phone_coverage (month);

-- One row per figure of an operator's report on a delivery.

create table raw.phone_provider_reports (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    month date not null,
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    item text not null check (item ~ '^(market_share|suppressed_cells|suppressed_mass|dropped_devices|payg_share)$'),
    subject text not null check (subject ~ '^[A-Za-z0-9_]{1,32}$'),
    value double precision not null check (value >= 0 and value <= 1000000000),
    primary key (load_id, line)
);
create index phone_provider_reports_partition on raw.phone_provider_reports (month);

-- One row per zone or pair of zones of an output of the pipeline multimno.

create table raw.phone_pipeline_counts (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    month date not null,
    product text not null check (product ~ '^(internal_migration|usual_environment|present_population)$'),
    dataset_id text,
    level smallint check (level >= 0 and level <= 20),
    zone text not null,
    from_zone text,
    label text,
    persons double precision check (persons >= 0 and persons <= 1000000000),
    status text not null check (status ~ '^(observed|suppressed|rounded|structural_zero|not_supplied)$'),
    primary key (load_id, line)
);
create index phone_pipeline_counts_partition on raw.phone_pipeline_counts (month);

-- One row per group of trips of the Spanish open mobility data; trips, not persons.

create table raw.phone_trips (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    month date not null,
    trip_day date not null,
    hour smallint not null check (hour >= 0 and hour <= 23),
    origin text not null check (origin ~ '^[A-Za-z0-9_]{1,32}$'),
    destination text not null check (destination ~ '^[A-Za-z0-9_]{1,32}$'),
    distance_km text not null check (distance_km ~ '^[0-9]+(\.[0-9]+)?-[0-9]+(\.[0-9]+)?$|^>[0-9]+$'),
    activity_origin text not null check (activity_origin ~ '^(casa|trabajo_estudio|frecuente|no_frecuente)$'),
    activity_destination text not null check (activity_destination ~ '^(casa|trabajo_estudio|frecuente|no_frecuente)$'),
    study_origin boolean,
    study_destination boolean,
    residence text,
    income text,
    age text,
    sex text check (sex ~ '^(hombre|mujer)$'),
    trips double precision not null check (trips >= 0 and trips <= 1000000000),
    trips_km double precision not null check (trips_km >= 0 and trips_km <= 1e+12),
    primary key (load_id, line)
);
create index phone_trips_partition on raw.phone_trips (month);

-- One row per pair of a published table of flows of phone users.

create table raw.phone_published_flows (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    month date not null,
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    origin text not null check (origin ~ '^[A-Za-z0-9_]{1,32}$'),
    destination text not null check (destination ~ '^[A-Za-z0-9_]{1,32}$'),
    origin_county text not null,
    destination_county text not null,
    users bigint not null check (users >= 1 and users <= 1000000000),
    primary key (load_id, line)
);
create index phone_published_flows_partition on raw.phone_published_flows (month);

-- One row per pair of a table of travel to work of a census, all codes kept.

create table raw.phone_census_flows (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    census_table text not null check (census_table ~ '^(wu03ew|district_series)$'),
    census_year smallint not null check (census_year >= 1961 and census_year <= 2100),
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    origin text not null check (origin ~ '^[A-Za-z0-9_]{1,32}$'),
    destination text not null check (destination ~ '^[A-Za-z0-9_]{1,32}$'),
    destination_kind text not null check (destination_kind ~ '^(zone|home|offshore|no_fixed_place|outside_uk|northern_ireland|scotland)$'),
    persons bigint not null check (persons >= 0 and persons <= 1000000000),
    from_home bigint check (from_home >= 0 and from_home <= 1000000000),
    light_rail bigint check (light_rail >= 0 and light_rail <= 1000000000),
    train bigint check (train >= 0 and train <= 1000000000),
    bus bigint check (bus >= 0 and bus <= 1000000000),
    taxi bigint check (taxi >= 0 and taxi <= 1000000000),
    motorbike bigint check (motorbike >= 0 and motorbike <= 1000000000),
    car_driver bigint check (car_driver >= 0 and car_driver <= 1000000000),
    car_passenger bigint check (car_passenger >= 0 and car_passenger <= 1000000000),
    bicycle bigint check (bicycle >= 0 and bicycle <= 1000000000),
    foot bigint check (foot >= 0 and foot <= 1000000000),
    other bigint check (other >= 0 and other <= 1000000000),
    primary key (load_id, line)
);
create index phone_census_flows_partition on raw.phone_census_flows (census_table);

-- One row per area of a file of names, residents or positions.

create table raw.phone_zones (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    code text not null check (code ~ '^[A-Za-z0-9_]{1,32}$'),
    name text not null,
    district_name text,
    residents bigint check (residents >= 0 and residents <= 1000000000),
    longitude double precision check (longitude >= -180 and longitude <= 180),
    latitude double precision check (latitude >= -90 and latitude <= 90),
    primary key (load_id, line)
);
create index phone_zones_partition on raw.phone_zones (geography);
