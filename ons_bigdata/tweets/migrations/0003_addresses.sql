-- Class and area of the nearest address of each valid cluster: never a property identifier or a postcode.
-- Bounds are checked by the frame, before rows are copied.

create table restricted.tweet_cluster_addresses (
    recipe text not null,
    user_key bigint not null,
    data_origin text not null,
    cluster integer not null,
    address_class text,
    address_distance_m double precision,
    voted_class text,
    class_share double precision,
    output_area text,
    authority text,
    area_source text
);
create index tweet_cluster_addresses_user on restricted.tweet_cluster_addresses using brin (user_key);
