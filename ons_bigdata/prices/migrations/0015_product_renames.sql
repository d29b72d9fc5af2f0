-- Products that seem to be others under a new name: suggestions, which join no series.

create table analysis.product_renames (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    product text not null,
    old_product text not null,
    product_name text not null,
    old_product_name text not null,
    renamed_on date not null,
    old_last_on date not null check (old_last_on <= renamed_on),
    price_gbp double precision not null check (price_gbp > 0),
    similarity double precision not null check (similarity > 0 and similarity <= 1),
    evidence text not null,
    primary key (data_origin, retailer, item_number, product),
    unique (data_origin, retailer, item_number, old_product),
    constraint two_products check (product <> old_product)
);
