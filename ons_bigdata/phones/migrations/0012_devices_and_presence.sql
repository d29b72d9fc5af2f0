-- Devices followed through months, and the statistics of persons present, movements and visitors.

-- One row per device and month: home and work by the rules of a specification.

create table restricted.phone_anchors (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    device_key bigint not null,
    home text check (home ~ '^[!-~]{1,64}$'),
    work text check (work ~ '^[!-~]{1,64}$'),
    workplaces text,
    home_zone text check (home_zone ~ '^[A-Za-z0-9_]{1,32}$'),
    work_zone text check (work_zone ~ '^[A-Za-z0-9_]{1,32}$'),
    events bigint not null check (events >= 1),
    active_days bigint not null check (active_days >= 1),
    weekdays_seen bigint not null check (weekdays_seen >= 0),
    free_days_seen bigint not null check (free_days_seen >= 0),
    nights bigint not null check (nights >= 0),
    home_nights bigint not null check (home_nights >= 0),
    home_confidence double precision check (home_confidence >= 0 and home_confidence <= 1),
    home_reason text check (home_reason ~ '^(few_active_days|few_nights|ambiguous)$'),
    work_days bigint not null check (work_days >= 0),
    work_hours double precision not null check (work_hours >= 0 and work_hours < 'Infinity'),
    days_per_week double precision not null check (days_per_week >= 0 and days_per_week <= 7),
    work_reason text check (work_reason ~ '^(few_active_days|no_home|few_working_days|at_home)$'),
    worker_status text not null check (worker_status ~ '^(worker|home_or_near_worker|non_worker|undefined|student|unknown)$'),
    is_part_time boolean not null,
    swapped_nights bigint not null check (swapped_nights >= 0),
    shift_candidate boolean not null
);
create index phone_anchors_device on restricted.phone_anchors using brin (device_key);

-- One row per device of an operator's register.

create table restricted.phone_devices (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    device_key bigint not null,
    tariff text not null check (tariff ~ '^(contract|payg)$'),
    account text not null check (account ~ '^(consumer|business)$'),
    holder_age smallint check (holder_age >= 0 and holder_age <= 130),
    is_machine boolean not null
);
create index phone_devices_device on restricted.phone_devices using brin (device_key);

-- One row per simulated device: its carrier and true places.

create table restricted.phone_true_devices (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    device_key bigint not null,
    kind text not null,
    is_second boolean not null,
    home_class text not null,
    work_class text,
    home_cell text,
    work_cell text,
    nearest_home_cell text,
    nearest_work_cell text,
    home_zone text,
    work_zone text
);
create index phone_true_devices_device on restricted.phone_true_devices using brin (device_key);

-- One row per device, month, direction and place: nights.

create table restricted.phone_visitor_stays (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    visitor_spec_id text not null check (visitor_spec_id ~ '^[0-9a-f]{16}$'),
    device_key bigint not null,
    direction text not null check (direction ~ '^(inbound|outbound|domestic)$'),
    country_code smallint not null check (country_code >= 1 and country_code <= 999),
    area text check (area ~ '^[A-Za-z0-9_]{1,32}$'),
    nights smallint not null check (nights >= 1),
    bridged_nights smallint not null check (bridged_nights >= 0)
);
create index phone_visitor_stays_device on restricted.phone_visitor_stays using brin (device_key);

-- One row per operator, month, segment and pair of zones: flows by the rules.

create table analysis.phone_rule_flows (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    segment text not null check (segment ~ '^(all|contract|payg)$'),
    origin text not null check (origin ~ '^[A-Za-z0-9_]{1,32}$'),
    destination text not null check (destination ~ '^[A-Za-z0-9_]{1,32}$'),
    devices bigint check (devices >= 0),
    status text not null check (status ~ '^(observed|rounded|suppressed)$'),
    primary key (data_origin, provider, month, segment, origin, destination)
);

-- One row per operator, month, measure and class of the ground.

create table analysis.phone_anchor_evaluation (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    spec_id text not null check (spec_id ~ '^[0-9a-f]{16}$'),
    measure text not null check (measure ~ '^(home|work)_(right|oracle)$|^shift_(f1|precision|recall)$'),
    area_class text not null,
    devices bigint not null check (devices >= 0),
    value double precision check (value >= 0 and value <= 1),
    lower double precision check (lower >= 0 and lower <= 1),
    upper double precision check (upper >= 0 and upper <= 1),
    reason text,
    primary key (data_origin, provider, month, measure, area_class)
);

-- One row per operator, month, kind of day, period and area.

create table analysis.phone_population_controlled (
    devices bigint check (devices >= 0),
    status text not null check (status ~ '^(published|below_threshold|secondary)$'),
    reason text,
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    day_type text not null check (day_type ~ '^(weekday|free_day)$'),
    period text not null check (period ~ '^([01][0-9]|2[0-3]|daytime|night_time|all_day)$'),
    area text not null check (area ~ '^[A-Za-z0-9_]{1,32}$'),
    persons double precision check (persons >= 0 and persons < 'Infinity'),
    lower double precision check (lower >= 0 and lower < 'Infinity'),
    upper double precision check (upper >= 0 and upper < 'Infinity'),
    primary key (data_origin, provider, month, day_type, period, area)
);

-- One row per operator, month, kind of day, period, areas and purpose.

create table analysis.phone_movements_controlled (
    devices bigint check (devices >= 0),
    status text not null check (status ~ '^(published|below_threshold|secondary)$'),
    reason text,
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    geography text not null check (geography ~ '^[a-z0-9_-]{1,64}$'),
    day_type text not null check (day_type ~ '^(weekday|free_day)$'),
    period text not null check (period ~ '^([01][0-9]|2[0-3]|daytime|night_time|all_day)$'),
    purpose text not null check (purpose ~ '^(to_work|to_home|from_home|other)$'),
    origin text not null check (origin ~ '^[A-Za-z0-9_]{1,32}$'),
    destination text not null check (destination ~ '^[A-Za-z0-9_]{1,32}$'),
    trips double precision check (trips >= 0 and trips < 'Infinity'),
    lower double precision check (lower >= 0 and lower < 'Infinity'),
    upper double precision check (upper >= 0 and upper < 'Infinity'),
    primary key (data_origin, provider, month, day_type, period, purpose, origin, destination)
);

-- One row per operator, month, direction, country and area.

create table analysis.phone_visitor_nights_controlled (
    devices bigint check (devices >= 0),
    status text not null check (status ~ '^(published|below_threshold|secondary)$'),
    reason text,
    recipe text not null check (recipe ~ '^[a-z0-9_-]{1,64}$'),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    month date not null,
    direction text not null check (direction ~ '^(inbound|outbound|domestic)$'),
    country text not null,
    area text not null,
    visitors double precision check (visitors >= 0 and visitors < 'Infinity'),
    nights double precision check (nights >= 0 and nights < 'Infinity'),
    nights_lower double precision check (nights_lower >= 0 and nights_lower < 'Infinity'),
    nights_upper double precision check (nights_upper >= 0 and nights_upper < 'Infinity'),
    nights_per_device double precision check (nights_per_device >= 0 and nights_per_device < 'Infinity'),
    primary key (data_origin, provider, month, direction, country, area)
);
