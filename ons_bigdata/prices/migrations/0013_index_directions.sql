-- Direction of each elementary index: its movements against the price changes of the products behind them.

create table analysis.elementary_index_directions (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    recipe text not null,
    method text not null,
    movements integer not null check (movements >= 0),
    identified_movements integer not null check (identified_movements between 0 and movements),
    opposite_movements integer not null check (opposite_movements between 0 and identified_movements),
    status text not null check (status in ('along', 'against', 'untested')),
    reason text,
    primary key (data_origin, retailer, item_number, recipe, method),
    constraint reason_unless_along check ((reason is null) = (status = 'along')),
    constraint untested_where_nothing_is_identified check ((status = 'untested') = (identified_movements = 0))
);
