-- Figures of the market and of residents, weights of devices, estimates of travel to work, levels of validation.

-- One row per figure of the market or of residents, by area and group.

create table raw.phone_population_figures (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    figure text not null check (figure ~ '^(ownership|market_share|payg_share|devices_per_owner|residents|covariate)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    year smallint not null check (year >= 1961 and year <= 2100),
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    area text not null check (area ~ '^[A-Za-z0-9_]{1,32}$'),
    category text not null check (category ~ '^[a-z0-9_+-]{1,64}$'),
    value double precision not null check (value >= 0 and value <= 1000000000),
    standard_error double precision not null check (standard_error >= 0 and standard_error <= 1000000000),
    source text not null,
    primary key (load_id, line)
);
create index phone_population_figures_partition on raw.phone_population_figures (figure);

-- One row per delivery, zone and segment: persons that a device stands for.

create table analysis.phone_weights (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    area text not null check (area ~ '^[A-Za-z0-9_]{1,32}$'),
    segment text not null check (segment ~ '^[a-z0-9_+-]{1,64}$'),
    residents double precision check (residents >= 0),
    devices double precision check (devices >= 0),
    penetration double precision check (penetration >= 0),
    ownership double precision check (ownership >= 0),
    devices_per_owner double precision check (devices_per_owner >= 0),
    market_share double precision check (market_share >= 0),
    start_weight double precision check (start_weight >= 0),
    start_error double precision check (start_error >= 0),
    factor double precision check (factor >= 0),
    weight double precision check (weight >= 0),
    weight_error double precision check (weight_error >= 0),
    is_capped boolean not null,
    reason text,
    status text not null check (status ~ '^(raked|start|inverse_penetration|no_weight)$'),
    primary key (recipe, data_origin, provider, month, geography, vintage, area, segment)
);

-- One row per delivery, margin and category that weights were raked to.

create table analysis.phone_weight_margins (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    margin text not null,
    category text not null,
    total double precision not null check (total >= 0),
    start double precision not null check (start >= 0),
    reached double precision not null check (reached >= 0),
    relative_difference double precision not null,
    capped_share double precision not null check (capped_share >= 0 and capped_share <= 1),
    primary key (recipe, data_origin, provider, month, geography, vintage, margin, category)
);

-- One row per delivery, method and pair of zones: travel to work, controlled for disclosure.

create table analysis.phone_flow_estimates (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    method text not null check (method ~ '^(weights|inverse_penetration|selection_rate|distance_corrected)$'),
    origin text not null check (origin ~ '^[A-Za-z0-9_]{1,32}$'),
    destination text not null check (destination ~ '^[A-Za-z0-9_]{1,32}$'),
    devices bigint check (devices >= 0),
    persons double precision check (persons >= 0),
    lower double precision check (lower >= 0),
    upper double precision check (upper >= 0),
    quality text not null check (quality ~ '^(good|fair|poor|no_interval)$'),
    reason text,
    status text not null check (status ~ '^(published|below_threshold|not_supplied)$'),
    primary key (recipe, data_origin, provider, month, geography, vintage, day_type, method, origin, destination)
);

-- One row per delivery and kind of pairs: persons of all pairs, with intervals.

create table analysis.phone_flow_totals (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    kind text not null check (kind ~ '^(all|between|within)$'),
    origins bigint not null check (origins >= 0),
    devices double precision not null check (devices >= 0),
    persons double precision not null check (persons >= 0),
    lower double precision check (lower >= 0),
    upper double precision check (upper >= 0),
    reason text,
    status text not null check (status ~ '^(complete|no_interval)$'),
    primary key (recipe, data_origin, provider, month, geography, vintage, day_type, kind)
);

-- One row per delivery and class of pairs: bias where contracts stand in.

create table analysis.phone_stand_in_costs (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    vintage text not null check (vintage ~ '^[A-Za-z0-9_]{1,32}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    classification text not null check (classification ~ '^(kind|distance_band)$'),
    category text not null,
    pairs bigint not null check (pairs >= 0),
    stand_in_flow double precision not null check (stand_in_flow >= 0),
    full_flow double precision not null check (full_flow >= 0),
    log_bias double precision,
    lower double precision,
    upper double precision,
    reason text,
    status text not null check (status ~ '^(complete|no_interval|no_value)$'),
    primary key (recipe, data_origin, provider, month, geography, vintage, day_type, classification, category)
);

-- One row per delivery, estimate, level of validation and metric.

create table analysis.phone_flow_levels (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    census_year smallint not null check (census_year >= 1961 and census_year <= 2100),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    estimate text not null check (estimate ~ '^[a-z0-9_]{1,64}$'),
    level text not null check (level ~ '^(totals|margins|residuals|distribution)$'),
    metric text not null check (metric ~ '^[a-z0-9_+-]+$'),
    value double precision,
    lower double precision,
    upper double precision,
    floor double precision,
    reason text,
    status text not null check (status ~ '^(complete|no_interval|no_value)$'),
    primary key (recipe, data_origin, provider, month, geography, day_type, estimate, level, metric)
);

-- One row per delivery, estimate, side and zone: residual.

create table analysis.phone_zone_residuals (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    census_year smallint not null check (census_year >= 1961 and census_year <= 2100),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    estimate text not null check (estimate ~ '^[a-z0-9_]{1,64}$'),
    side text not null check (side ~ '^(origin|destination)$'),
    zone text not null check (zone ~ '^[A-Za-z0-9_]{1,32}$'),
    residual double precision not null,
    local_moran double precision,
    x_km double precision not null,
    y_km double precision not null,
    primary key (recipe, data_origin, provider, month, geography, day_type, estimate, side, zone)
);

-- One row per delivery and part of the census table that it is compared with.

create table analysis.phone_census_parts (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    census_year smallint not null check (census_year >= 1961 and census_year <= 2100),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    part text not null check (part ~ '^(commuters|at_home|offshore|no_fixed_place|outside_uk|scotland|northern_ireland|outside_zones)$'),
    rows bigint not null check (rows >= 0),
    persons double precision not null check (persons >= 0),
    primary key (recipe, data_origin, provider, month, geography, day_type, part)
);

-- One row per pair of a JSON of flows of FlowKit.

create table raw.phone_flowkit_flows (
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
create index phone_flowkit_flows_partition on raw.phone_flowkit_flows (month);

-- Rural-urban classes of areas, by which the bias is looked at.

alter table raw.phone_zones add column rurality text;
alter table analysis.phone_flow_bias drop constraint phone_flow_bias_classification_check;
alter table analysis.phone_flow_bias add constraint phone_flow_bias_classification_check
    check (classification ~ '^(kind|distance_band|mast_reach|suppressed_share|rurality|district)$');
