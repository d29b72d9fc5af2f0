-- Price changes of products, kept by day: outliers are judged by them, and a new day reads no old quotes.

create table analysis.price_changes (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    product text not null,
    collected_on date not null,
    price_gbp double precision not null,
    compared_on date not null,
    compared_price_gbp double precision not null,
    primary key (data_origin, retailer, item_number, product, collected_on)
);

create index on analysis.price_changes (collected_on);
