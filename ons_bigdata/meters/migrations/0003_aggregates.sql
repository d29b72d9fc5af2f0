-- Aggregates of meters, controlled for disclosure.

create table analysis.meter_consumption_controlled (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    format text not null,
    customer text not null,
    area text not null,
    dwelling_type text not null,
    tariff text not null,
    period_kind text not null check (period_kind ~ '^(week|quarter|year)$'),
    period date not null,
    meters bigint check (meters >= 10),
    kwh_per_day double precision check (kwh_per_day > '-Infinity' and kwh_per_day < 'Infinity'),
    kwh_per_day_se double precision check (kwh_per_day_se >= 0 and kwh_per_day_se < 'Infinity'),
    kwh_per_day_median double precision check (kwh_per_day_median > '-Infinity' and kwh_per_day_median < 'Infinity'),
    reading_share double precision check (reading_share between 0 and 1),
    zero_day_share double precision check (zero_day_share between 0 and 1),
    status text not null check (status ~ '^(published|below_threshold)$'),
    check (status = 'published' or coalesce(
        meters, kwh_per_day, kwh_per_day_se, kwh_per_day_median, reading_share, zero_day_share
    ) is null),
    primary key (data_origin, format, customer, area, dwelling_type, tariff, period_kind, period)
);

create table analysis.meter_states_controlled (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    format text not null,
    month date not null,
    state text not null,
    meters bigint check (meters >= 10),
    affected_meters bigint check (affected_meters >= 10),
    share double precision check (share between 0 and 1),
    status text not null check (status ~ '^(published|below_threshold|secondary)$'),
    check (status <> 'below_threshold' or affected_meters is null),
    check (status = 'published' or share is null),
    primary key (data_origin, format, month, state)
);
