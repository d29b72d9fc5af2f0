-- Gaps of archives, bias of areas, users weighted by activity, flows of the census. No row is about a single person.

create table analysis.tweet_archive_gaps (
    data_origin text not null check (data_origin in ('real', 'simulated')),
    source text not null check (source ~ '^[a-z0-9_-]{1,64}$'),
    from_utc timestamptz not null,
    to_utc timestamptz not null check (to_utc > from_utc),
    expected_events double precision not null check (expected_events >= 0),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (data_origin, source, from_utc)
);

create table analysis.migration_area_bias (
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    data_origin text not null check (data_origin in ('real', 'simulated')),
    authority text not null check (authority ~ '^[A-Z][0-9]{8}$'),
    year_ending date not null,
    direction text not null check (direction in ('in', 'out', 'net')),
    quarters integer not null check (quarters between 1 and 4),
    scale double precision not null check (scale > 0 and scale < 'Infinity'),
    estimate double precision not null,
    reference double precision not null,
    difference_per_1000 double precision not null,
    log_ratio double precision,
    reason text,
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (recipe, data_origin, authority, year_ending, direction)
);

alter table analysis.migration_coverage
add column active_users double precision check (active_users >= 0 and active_users < 'Infinity'),
add column active_penetration double precision check (active_penetration >= 0 and active_penetration < 'Infinity');

alter table analysis.migration_comparisons
drop constraint migration_comparisons_comparison_check,
add constraint migration_comparisons_comparison_check
check (comparison in ('authority_rates', 'region_flows', 'authority_flows', 'census_flows'));
