-- Runs that are short of products: items that lack products which come back, on days on which other items do, too.

create table analysis.short_run_items (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    collected_on date not null,
    items integer not null,
    items_short integer not null check (items_short between 1 and items),
    listed_products integer not null check (listed_products > 0),
    absent_products integer not null check (absent_products > 0),
    absent_share double precision not null check (absent_share between 0 and 1),
    usual_share double precision not null check (usual_share between 0 and 1),
    compared_on date not null check (compared_on < collected_on),
    places text not null,
    primary key (data_origin, retailer, item_number, collected_on)
);
