-- Reports on the quality of readings, and figures of simulated meters.

create table analysis.meter_quality_reports (
    data_origin text not null check (data_origin in ('real', 'simulated')),
    format text not null,
    first_month date not null,
    last_month date not null,
    meters bigint check (meters >= 10),
    html text not null,
    text text not null,
    primary key (data_origin, format)
);

create table analysis.meter_figures (
    figure text primary key check (figure in ('year_round', 'low_week', 'quarter')),
    data_origin text not null check (data_origin = 'simulated'),
    title text not null,
    svg text not null
);
