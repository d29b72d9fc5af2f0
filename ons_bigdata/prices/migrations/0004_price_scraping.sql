-- Scrape runs over HTTP: one row per run, and one per run, category and item. Written by raw/scrape_runs.

create table raw.scrape_runs (
    run_id text primary key,
    retailer text not null check (retailer ~ '^[a-z0-9_-]{1,64}$'),
    collected_on date not null,
    data_origin text not null check (data_origin in ('real', 'simulated')),
    started_at timestamptz not null,
    finished_at timestamptz not null,
    finish_reason text not null,
    user_agent text not null,
    robots_obeyed boolean not null,
    -- null where the site has no robots.txt, or did not answer
    robots_sha256 text check (robots_sha256 ~ '^[0-9a-f]{64}$'),
    delay_s double precision not null check (delay_s >= 0),
    budget_requests integer not null,
    requests integer not null check (requests <= budget_requests),
    retries integer not null,
    responses_by_status jsonb not null,
    bytes_received bigint not null,
    pages_kept integer not null,
    pages_file text not null,
    pages_sha256 text not null check (pages_sha256 ~ '^[0-9a-f]{64}$'),
    rows integer not null,
    parse_failures integer not null,
    categories_found integer not null,
    categories_missing integer not null,
    within_allowed_hours boolean not null,
    parser_version text not null
);
create index scrape_runs_day on raw.scrape_runs (collected_on);

create table raw.scrape_categories (
    run_id text not null references raw.scrape_runs (run_id) on delete cascade,
    retailer text not null,
    collected_on date not null,
    data_origin text not null check (data_origin in ('real', 'simulated')),
    category text not null,
    -- null for a category that the retailer file does not know
    item_number integer,
    state text not null check (state in ('collected', 'empty', 'missing', 'unknown', 'failed')),
    url text,
    pages integer not null,
    products_listed integer not null,
    products_parsed integer not null,
    parse_failures integer not null,
    duplicates integer not null,
    product_names text[] not null,
    reason text,
    unique nulls not distinct (run_id, category, item_number),
    constraint listed_is_parsed_plus_failures check (products_listed = products_parsed + parse_failures),
    constraint not_collected_has_reason check (state not in ('missing', 'failed') or reason is not null)
);
create index scrape_categories_day on raw.scrape_categories (collected_on);
