-- Vacancy by group of homes and quarter, controlled for disclosure.

create table analysis.meter_vacancy_controlled (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    format text not null,
    group_kind text not null check (group_kind ~ '^(all|area|dwelling_type)$'),
    home_group text not null,
    quarter date not null,
    homes bigint check (homes >= 10),
    judged bigint check (judged >= 0),
    carried bigint check (carried >= 0),
    stock bigint check (stock >= 0),
    became_vacant bigint check (became_vacant >= 0),
    occupied_again bigint check (occupied_again >= 0),
    appeared bigint check (appeared >= 0),
    disappeared bigint check (disappeared >= 0),
    median_days double precision check (median_days >= 0 and median_days < 'Infinity'),
    share_two_years double precision check (share_two_years between 0 and 1),
    second_homes bigint check (second_homes >= 0),
    reading_zero bigint check (reading_zero >= 0),
    reading_zero_vacant bigint check (reading_zero_vacant >= 0),
    vacant_share double precision check (vacant_share between 0 and 1),
    vacant_share_lower double precision check (vacant_share_lower between 0 and vacant_share),
    vacant_share_upper double precision check (vacant_share_upper between vacant_share and 1),
    no_interval_reason text check (no_interval_reason ~ '^(hidden|not_judged|few_homes)$'),
    rule_homes bigint check (rule_homes >= 0),
    rule_vacant bigint check (rule_vacant >= 0),
    settlement text not null check (settlement ~ '^(provisional|settled)$'),
    recipe text not null,
    status text not null check (status ~ '^(published|below_threshold|secondary)$'),
    check (status = 'published' or coalesce(
        homes, judged, carried, stock, became_vacant, occupied_again, appeared, disappeared, median_days,
        share_two_years, second_homes, reading_zero, reading_zero_vacant, vacant_share, vacant_share_lower,
        vacant_share_upper, rule_homes, rule_vacant
    ) is null),
    check ((vacant_share_lower is null) = (no_interval_reason is not null)),
    primary key (data_origin, format, group_kind, home_group, quarter)
);
