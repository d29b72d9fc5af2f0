-- Days of meters, judged for absence.

create table restricted.meter_absent_days (
    meter_key bigint not null,
    day date not null,
    probability_absent double precision,
    absent boolean,
    method text not null
);
create index meter_absent_days_meter on restricted.meter_absent_days using brin (meter_key);
