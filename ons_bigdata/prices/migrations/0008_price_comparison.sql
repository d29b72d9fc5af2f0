-- Tables of the comparison that Python assets write: official files, other sources, and what comes of them.

create table raw.official_item_indices (
    load_id text not null references ops.loads (load_id),
    line integer not null,
    month date not null,
    item_number integer not null,
    item_name text not null,
    index double precision not null,
    weight double precision,
    imputation text,
    attributes jsonb not null,
    primary key (load_id, line)
);

create table raw.official_price_quotes (
    load_id text not null references ops.loads (load_id),
    line integer not null,
    month date not null,
    item_number integer not null,
    item_name text not null,
    validity integer not null,
    shop_code text not null,
    price_gbp double precision not null,
    indicator_box text,
    stratum_weight double precision not null,
    stratum_type integer not null,
    stratum_cell integer not null,
    region integer,
    shop_type integer,
    shop_weight double precision not null,
    base_price_gbp double precision not null,
    base_validity integer not null,
    attributes jsonb not null,
    primary key (load_id, line)
);

create table raw.official_series (
    load_id text not null references ops.loads (load_id),
    line integer not null,
    series_id text not null,
    title text not null,
    month date not null,
    value double precision not null,
    primary key (load_id, line)
);

create table raw.other_price_quotes (
    load_id text not null references ops.loads (load_id),
    line integer not null,
    retailer text not null,
    item_number integer not null,
    item_name text not null,
    category text not null,
    product_id text,
    product_name text not null,
    price_gbp double precision not null,
    unit_price double precision,
    unit text,
    promotion text,
    attributes jsonb not null,
    collected_at timestamptz not null,
    source text not null,
    run_id text not null,
    collected_on date not null,
    delivered_on date not null,
    primary key (load_id, line)
);

create table analysis.rebuilt_item_indices (
    data_origin text not null,
    prices_from text not null,
    formula text not null,
    item_number integer not null,
    month date not null,
    index double precision,
    quotes integer not null,
    strata integer not null,
    published_index double precision,
    difference double precision,
    agrees boolean,
    reason text,
    primary key (data_origin, prices_from, formula, item_number, month)
);

create table analysis.price_comparisons (
    data_origin text not null,
    kind text not null,
    level text not null,
    code text not null,
    scope text not null,
    left_series text not null,
    right_series text not null,
    frequency text not null,
    periods integer not null,
    first_period date,
    last_period date,
    left_last_level double precision,
    right_last_level double precision,
    mean_difference double precision,
    root_mean_square_difference double precision,
    largest_difference double precision,
    correlation double precision,
    correlation_of_rates double precision,
    mean_rate_difference double precision,
    annual_rate_difference double precision,
    left_turning_points integer,
    right_turning_points integer,
    shared_turning_points integer,
    reason text,
    primary key (data_origin, kind, level, code, scope, left_series, right_series)
);

create table analysis.compared_price_levels (
    data_origin text not null,
    level text not null,
    code text not null,
    scope text not null,
    left_series text not null,
    right_series text not null,
    period date not null,
    left_level double precision not null,
    right_level double precision not null,
    left_monthly_rate double precision,
    right_monthly_rate double precision,
    left_annual_rate double precision,
    right_annual_rate double precision,
    reason text,
    primary key (data_origin, level, code, scope, left_series, right_series, period)
);

create table analysis.collection_frequencies (
    data_origin text not null,
    level text not null,
    code text not null,
    retailers text not null,
    frequency text not null,
    period_days integer,
    movements integer not null,
    choices integer not null,
    estimates integer not null,
    quotes_per_period double precision,
    mean_difference double precision,
    spread double precision,
    largest_difference double precision,
    standard_error double precision,
    total_error double precision,
    reason text,
    primary key (data_origin, level, code, retailers, frequency)
);

create table analysis.source_matches (
    data_origin text not null,
    source text not null,
    retailer text not null,
    item_number integer not null,
    product text,
    other_product text,
    product_name text,
    other_product_name text,
    matched_by text not null,
    score double precision,
    why text not null
);

create table analysis.source_agreement (
    data_origin text not null,
    source text not null,
    retailer text not null,
    days integer not null,
    days_delivered integer not null,
    products integer not null,
    other_products integer not null,
    matched_products integer not null,
    coverage double precision,
    other_coverage double precision,
    quotes_covered double precision,
    compared_quotes integer not null,
    share_equal double precision,
    median_relative_difference double precision,
    delivery_delay_days double precision,
    days_behind integer,
    share_equal_at_lag double precision,
    share_stale double precision,
    could_replace boolean,
    reason text,
    primary key (data_origin, source, retailer)
);

create index official_item_indices_month on raw.official_item_indices (month);
create index official_price_quotes_month on raw.official_price_quotes (month);
create index official_series_series_id on raw.official_series (series_id);
create index other_price_quotes_day on raw.other_price_quotes (collected_on);
