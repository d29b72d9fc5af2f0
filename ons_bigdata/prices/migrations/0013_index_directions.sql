-- Direction of each elementary index: its movements against the price changes of the products behind them.

create table analysis.elementary_index_directions (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    recipe text not null,
    method text not null,
    movements integer not null check (movements >= 0),
    slope double precision,
    slope_error double precision check (slope_error >= 0),
    status text not null check (status in ('along', 'against', 'untested')),
    reason text,
    primary key (data_origin, retailer, item_number, recipe, method),
    constraint reason_unless_along check ((reason is null) = (status = 'along')),
    constraint slope_unless_untested check (slope is not null or status = 'untested')
);
