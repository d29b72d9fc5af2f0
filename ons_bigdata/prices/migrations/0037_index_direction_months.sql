-- Directions of elementary indices by month: a new day compares the prices of its month, and reads no older quotes.

create table analysis.price_change_bounds (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    comparison text not null,
    period date not null,
    period_before date not null check (period_before < period),
    month date not null check (month = date_trunc('month', period)),
    least double precision,
    largest double precision,
    same_products boolean not null,
    primary key (data_origin, retailer, item_number, comparison, period),
    constraint bounds_known_together check ((least is null) = (largest is null))
);

create index on analysis.price_change_bounds (month);

create table analysis.index_direction_months (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    recipe text not null,
    method text not null,
    month date not null,
    movements integer not null check (movements >= 0),
    identified_movements integer not null check (identified_movements between 0 and movements),
    opposite_movements integer not null check (opposite_movements >= 0),
    along_movements integer not null check (along_movements >= 0),
    has_changes boolean not null,
    moves boolean not null,
    primary key (data_origin, retailer, item_number, recipe, method, month),
    check (opposite_movements + along_movements <= identified_movements)
);

create index on analysis.index_direction_months (month);
