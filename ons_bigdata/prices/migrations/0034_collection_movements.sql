-- Movements behind the precision of less collection, kept by period so that a new day reads no old quotes.

create table analysis.collection_movements (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    frequency text not null,
    choice integer not null,
    period date not null,
    period_days integer not null,
    log_relative double precision,
    variance double precision,
    quotes integer not null,
    primary key (data_origin, retailer, item_number, frequency, choice, period)
);
