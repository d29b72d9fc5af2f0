-- Outlying price changes are kept by day; shrinking packs, which look at other things, have a table of their own.

truncate analysis.quote_outliers;

create index on analysis.quote_outliers (collected_on);

create table analysis.shrinking_packs (
    data_origin text not null,
    collected_on date not null,
    retailer text not null,
    item_number integer not null,
    product text not null,
    rule text not null check (rule = 'shrinking_pack'),
    price_gbp double precision not null check (price_gbp > 0),
    compared_on date not null,
    compared_price_gbp double precision not null check (compared_price_gbp > 0),
    observed double precision not null,
    lower double precision,
    upper double precision,
    evidence text not null,
    primary key (data_origin, retailer, item_number, product, collected_on, rule)
);
