-- Pairs of packs, from which shrinking packs are found by day: the quotes of some days around a change are read, not all.

truncate analysis.shrinking_packs;

create index on analysis.shrinking_packs (collected_on);

create table analysis.replaced_packs (
    data_origin text not null,
    retailer text not null,
    item_number integer not null,
    product text not null,
    product_name text not null,
    first_listed_on date not null,
    new_until date not null check (new_until >= first_listed_on),
    size double precision not null check (size > 0),
    old_product text not null,
    old_name text not null,
    old_until date not null check (old_until < first_listed_on),
    old_size double precision not null check (old_size > size),
    least_share double precision not null check (least_share between 0 and 1),
    primary key (
        data_origin, retailer, item_number, product, product_name, first_listed_on, new_until, size, old_product,
        old_name, old_until, old_size
    )
);
