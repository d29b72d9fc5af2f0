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

create index on analysis.elementary_price_indices (period);
create index on analysis.aggregate_price_indices (period);
create index on analysis.price_index_diagnostics (period);
create index on analysis.price_index_movements (period);
