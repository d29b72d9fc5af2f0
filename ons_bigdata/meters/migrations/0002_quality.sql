-- Meters, their days, and the quality of their half hours. Rows come bucket by bucket, sorted by meter, so that a block
-- range index is as good as a tree and costs nothing. Bounds are checked by their frames, before rows are copied.

create table restricted.meters (
    meter_key bigint primary key,
    format text not null check (format ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin in ('real', 'simulated')),
    timezone text not null,
    first_day date,
    last_day date,
    rows bigint not null check (rows > 0),
    export_rows bigint not null check (export_rows >= 0),
    other_rows bigint not null check (other_rows >= 0),
    half_hours bigint not null check (half_hours >= 0),
    readings bigint not null check (readings >= 0),
    kwh_per_day double precision
);

create table restricted.meter_days (
    meter_key bigint not null,
    day date not null,
    kwh_halfhours real[] not null,
    kwh double precision,
    readings smallint not null
);
create index meter_days_meter on restricted.meter_days using brin (meter_key);

create table restricted.meter_quality (
    meter_key bigint not null,
    month date not null,
    state text not null,
    readings bigint not null,
    kwh double precision
);
create index meter_quality_meter on restricted.meter_quality using brin (meter_key);

create table restricted.meter_suspicions (
    meter_key bigint not null,
    first_day date not null,
    last_day date not null,
    suspicion text not null,
    ratio double precision
);
create index meter_suspicions_meter on restricted.meter_suspicions using brin (meter_key);
