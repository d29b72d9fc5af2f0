-- Tables of the prices pilot that Python assets write. dbt owns the others.

create table raw.price_quotes (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    run_id text not null,
    retailer text not null check (retailer ~ '^[a-z0-9_-]{1,64}$'),
    item_number integer not null,
    item_name text not null,
    category text not null,
    product_id text,
    product_name text not null check (product_name <> ''),
    price_gbp double precision not null check (price_gbp > 0 and price_gbp <= 10000),
    unit_price double precision check (unit_price >= 0 and unit_price <= 1000000),
    unit text,
    promotion text,
    attributes jsonb not null,
    collected_at timestamptz not null,
    collected_on date not null,
    primary key (load_id, line)
);
create index price_quotes_day on raw.price_quotes (collected_on);

create table analysis.elementary_price_indices (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    method text not null,
    period date not null,
    segment integer not null,
    level double precision check (level > 0 and level < 'Infinity'),
    index double precision check (index > 0 and index < 'Infinity'),
    products integer not null,
    reason text,
    primary key (data_origin, retailer, item_number, method, period)
);

create table analysis.aggregate_price_indices (
    data_origin text not null,
    level text not null,
    code text not null,
    method text not null,
    period date not null,
    index double precision check (index > 0 and index < 'Infinity'),
    products integer not null,
    children integer not null,
    children_absent integer not null,
    imputed_share double precision check (imputed_share >= 0 and imputed_share <= 1),
    status text not null,
    reason text,
    recipe text not null,
    parameters_hash text not null,
    base_period text,
    primary key (data_origin, level, code, method, period),
    constraint null_has_reason check (index is not null or reason is not null)
);
