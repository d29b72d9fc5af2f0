-- Days with people at home by weekday and period: by meter, restricted, and the calendar of areas.

create table restricted.meter_contact_days (
    meter_key bigint not null,
    weekday smallint not null,
    period text not null,
    days integer not null,
    days_at_home integer not null
);
create index meter_contact_days_meter on restricted.meter_contact_days using brin (meter_key);

create table analysis.contact_calendar_controlled (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    format text not null,
    area text not null,
    weekday smallint not null check (weekday between 1 and 7),
    period text not null,
    meters bigint not null check (meters >= 10),
    chance double precision not null check (chance between 0 and 1),
    no_interval_reason text not null,
    recipe text not null,
    primary key (data_origin, format, area, weekday, period)
);
