-- States of daily indices at the end of each month, from which the next month goes on.

create table analysis.price_index_states (
    month date not null,
    data_origin text not null,
    recipe text not null,
    method text not null,
    scope text not null,
    array_name text not null,
    structure text not null,
    shape bigint [] not null,
    numbers double precision [] not null,
    primary key (month, data_origin, recipe, method, scope, array_name)
);

create table analysis.price_index_error_states (like analysis.price_index_states including all);

-- Sums of prices by product and week or month, which weekly and monthly indices read in the place of daily quotes.
create table analysis.product_period_prices (
    month date not null,
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    product text not null,
    calendar text not null check (calendar in ('weeks', 'months', 'second_tuesdays')),
    period date not null,
    price_sum_gbp double precision not null check (price_sum_gbp > 0),
    quotes integer not null check (quotes > 0)
);

create index on analysis.product_period_prices (month);
create index on analysis.elementary_price_indices (period);
create index on analysis.aggregate_price_indices (period);
create index on analysis.price_index_diagnostics (period);
create index on analysis.price_index_movements (period);
