-- Comparison of delivered flows with the census: agreement, bias by class, pairs.

-- One row per delivery, estimate and metric of agreement with the census.

create table analysis.phone_flow_comparisons (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    census_year smallint not null check (census_year >= 1961 and census_year <= 2100),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    estimate text not null check (estimate ~ '^[a-z0-9_]{1,64}$'),
    metric text not null check (metric ~ '^[a-z0-9_+-]+$'),
    zones integer not null check (zones >= 0),
    value double precision,
    lower double precision,
    upper double precision,
    least double precision,
    most double precision,
    reason text,
    status text not null check (status ~ '^(complete|no_interval|no_value)$'),
    primary key (recipe, data_origin, provider, month, geography, day_type, estimate, metric)
);

-- One row per delivery, estimate, classification and class: signed bias.

create table analysis.phone_flow_bias (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    census_year smallint not null check (census_year >= 1961 and census_year <= 2100),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    estimate text not null check (estimate ~ '^[a-z0-9_]{1,64}$'),
    classification text not null check (classification ~ '^(kind|distance_band|mast_reach|suppressed_share)$'),
    category text not null,
    place_in_order integer not null check (place_in_order >= 0),
    pairs bigint not null check (pairs >= 0),
    origins bigint not null check (origins >= 0),
    estimated_flow double precision not null check (estimated_flow >= 0),
    census_flow double precision not null check (census_flow >= 0),
    log_bias double precision,
    lower double precision,
    upper double precision,
    reason text,
    status text not null check (status ~ '^(complete|no_interval|no_value)$'),
    primary key (recipe, data_origin, provider, month, geography, day_type, estimate, classification, category)
);

-- One row per delivery and pair of different zones with a flow in a table.

create table analysis.phone_flow_pairs (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    day_type text not null check (day_type ~ '^(all|weekday|saturday|sunday|holiday)$'),
    census_year smallint not null check (census_year >= 1961 and census_year <= 2100),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    origin text not null check (origin ~ '^[A-Za-z0-9_]{1,32}$'),
    destination text not null check (destination ~ '^[A-Za-z0-9_]{1,32}$'),
    distance_km double precision not null check (distance_km >= 0),
    flow double precision check (flow >= 0),
    flow_status text not null check (flow_status ~ '^(observed|suppressed|rounded|structural_zero|not_supplied|not_listed)$'),
    scaled_flow double precision check (scaled_flow >= 0),
    scaled_least double precision check (scaled_least >= 0),
    scaled_most double precision check (scaled_most >= 0),
    census_flow double precision not null check (census_flow >= 0),
    origin_x_km double precision not null,
    origin_y_km double precision not null,
    destination_x_km double precision not null,
    destination_y_km double precision not null,
    primary key (recipe, data_origin, provider, month, geography, day_type, origin, destination)
);
