-- Devices of the same carrier, ground and users of cells, and both judged on simulated truth; figures of employment.

-- One row per device with a home and month: likeliest other device of its carrier.

create table restricted.phone_duplicates (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    device_key bigint not null,
    companion_key bigint,
    steps bigint not null check (steps >= 0),
    probability double precision not null check (probability >= 0 and probability <= 1),
    log_ratio double precision check (log_ratio > '-Infinity' and log_ratio < 'Infinity'),
    is_duplicate boolean not null
);
create index phone_duplicates_device on restricted.phone_duplicates using brin (device_key);

alter table restricted.phone_true_devices add column has_companion boolean not null default false;
alter table restricted.phone_true_devices alter column has_companion drop default;

alter table raw.phone_cells
    add column zone_shares text check (zone_shares ~ '^[A-Za-z0-9_]{1,32}=(?:1|0(?:\.[0-9]{1,6})?)(?: [A-Za-z0-9_]{1,32}=(?:1|0(?:\.[0-9]{1,6})?))*$'),
    add column education_share double precision check (education_share >= 0 and education_share <= 1),
    add column share_aged_16_24 double precision check (share_aged_16_24 >= 0 and share_aged_16_24 <= 1);

alter table raw.phone_population_figures drop constraint phone_population_figures_figure_check;
alter table raw.phone_population_figures add constraint phone_population_figures_figure_check
    check (figure ~ '^(ownership|market_share|payg_share|devices_per_owner|residents|covariate|employed_residents|jobs)$');

alter table analysis.phone_anchor_evaluation drop constraint phone_anchor_evaluation_measure_check;
alter table analysis.phone_anchor_evaluation add constraint phone_anchor_evaluation_measure_check
    check (measure ~ '^(home|work)_(right|oracle)$|^(shift|duplicate|student)_(f1|precision|recall)$');
