-- Main home of users. Bounds are checked by its frame, before rows are copied.

create table restricted.tweet_homes (
    user_key bigint not null,
    cluster integer not null,
    output_area text,
    authority text,
    events bigint not null,
    days bigint not null,
    score double precision not null,
    share double precision not null,
    recipe text not null,
    data_origin text not null
);
create index tweet_homes_user on restricted.tweet_homes using brin (user_key);
