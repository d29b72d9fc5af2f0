-- Product scope: labels, described products, decisions, the model with its evaluation, and its effect on the indices.

create table raw.scope_labels (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    data_origin text not null check (data_origin in ('real', 'simulated')),
    item_number integer not null,
    item_name text not null,
    retailer text not null check (retailer ~ '^[a-z0-9_-]{1,64}$'),
    product_name text not null check (product_name <> ''),
    median_price_gbp double precision check (median_price_gbp > 0 and median_price_gbp <= 10000),
    in_scope boolean,
    readings integer not null check (readings >= 1),
    primary key (load_id, line)
);

create table analysis.product_descriptions (
    data_origin text not null,
    item_number integer not null,
    retailer text not null,
    product_name text not null,
    quotes integer not null,
    median_price_gbp double precision not null check (median_price_gbp > 0),
    pack_size double precision,
    unit text,
    plain_name text not null,
    is_cut boolean not null,
    measure text check (measure in ('g', 'ml', 'each')),
    total_size double precision check (total_size > 0),
    pieces integer,
    piece_size double precision,
    is_multiple boolean not null,
    size_source text check (size_source in ('name', 'unit_price')),
    strength_abv double precision,
    strength_source text check (strength_source in ('name', 'brand')),
    country text,
    is_european boolean,
    is_loose boolean not null,
    terms text not null,
    unit_price_gbp double precision,
    primary key (data_origin, item_number, retailer, product_name)
);

create table analysis.product_scope (
    data_origin text not null,
    item_number integer not null,
    retailer text not null,
    product_name text not null,
    in_scope boolean,
    probability double precision check (probability between 0 and 1),
    referred boolean not null,
    decided_by text not null check (decided_by in ('rule', 'model', 'analyst', 'none')),
    reason text not null,
    quotes integer not null,
    primary key (data_origin, item_number, retailer, product_name),
    constraint decided_unless_referred check (referred = (decided_by = 'none')),
    constraint decision_says_in_or_out check (referred or in_scope is not null)
);

create table analysis.scope_model (
    data_origin text primary key,
    version text not null,
    state text not null check (state in ('fitted', 'none')),
    reason text,
    labels integer not null,
    labels_in_scope integer not null,
    labels_unused integer not null,
    families integer not null,
    labels_hash text,
    lower double precision,
    upper double precision,
    parameters text not null,
    constraint none_has_reason check (state = 'fitted' or reason is not null)
);

create table analysis.scope_evaluation (
    data_origin text not null,
    held_out text not null,
    breakdown text not null,
    decider text not null,
    weighting text not null,
    metric text not null,
    referral double precision not null,
    value double precision check (value between 0 and 1),
    products integer not null,
    reason text,
    primary key (data_origin, held_out, breakdown, decider, weighting, metric, referral),
    constraint null_has_reason check (value is not null or reason is not null)
);

create table analysis.scope_index_impact (
    data_origin text not null,
    level text not null,
    code text not null,
    method text not null,
    last_period date,
    index_shelf double precision,
    index_target double precision,
    difference double precision,
    mean_absolute_difference double precision,
    largest_difference double precision,
    days integer not null,
    quotes bigint not null,
    quotes_in_scope_share double precision,
    quotes_undecided_share double precision,
    reason text,
    primary key (data_origin, level, code, method),
    constraint null_has_reason check (difference is not null or reason is not null)
);
