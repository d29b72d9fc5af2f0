-- Days of meters, judged for absence, and quarters, judged for vacancy.

create table restricted.meter_absent_days (
    meter_key bigint not null,
    day date not null,
    probability_absent double precision,
    absent boolean
);
create index meter_absent_days_meter on restricted.meter_absent_days using brin (meter_key);

create table restricted.meter_quarters (
    meter_key bigint not null,
    quarter date not null,
    probability_vacant double precision,
    vacant boolean,
    onset date,
    is_second_home boolean,
    probability_second_home double precision,
    reads_zero boolean not null,
    coverage double precision not null,
    kwh_scaled double precision,
    is_low boolean,
    vacant_by_rule boolean,
    primary key (meter_key, quarter)
);
