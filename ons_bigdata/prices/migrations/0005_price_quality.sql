-- What Python writes for the quality assurance of prices: outlying quotes, and the daily report.

create table analysis.quote_outliers (
    data_origin text not null,
    collected_on date not null,
    retailer text not null,
    item_number integer not null,
    product text not null,
    rule text not null,
    price_gbp double precision not null check (price_gbp > 0),
    compared_on date not null,
    compared_price_gbp double precision not null check (compared_price_gbp > 0),
    observed double precision not null,
    lower double precision,
    upper double precision,
    evidence text not null,
    primary key (data_origin, retailer, item_number, product, collected_on, rule)
);

create table analysis.price_quality_report (
    data_origin text not null,
    collected_on date not null,
    retailers integer not null,
    quotes integer not null,
    errors integer not null,
    warnings integer not null,
    notes integer not null,
    decisions_waiting integer not null,
    html text not null,
    text text not null,
    primary key (data_origin, collected_on)
);
