-- Evaluation of detectors and of imputation on homes of a delivery; imputed half hours; parameters of vacancy.

create table analysis.absence_evaluation (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    format text not null,
    judgement text not null,
    truth text not null check (truth = 'injected'),
    homes bigint not null check (homes >= 1),
    days bigint not null check (days >= 1),
    absent_share double precision check (absent_share between 0 and 1),
    recall_at_2 double precision check (recall_at_2 between 0 and 1),
    recall_at_2_lower double precision check (recall_at_2_lower between 0 and 1),
    recall_at_2_upper double precision check (recall_at_2_upper between 0 and 1),
    recall double precision check (recall between 0 and 1),
    false_day_share double precision check (false_day_share between 0 and 1),
    precision_at_15 double precision check (precision_at_15 between 0 and 1),
    precision_at_2 double precision check (precision_at_2 between 0 and 1),
    precision_at_1 double precision check (precision_at_1 between 0 and 1),
    mcc double precision check (mcc between -1 and 1),
    mcc_lower double precision check (mcc_lower between -1 and 1),
    mcc_upper double precision check (mcc_upper between -1 and 1),
    brier double precision check (brier between 0 and 1),
    spells bigint not null check (spells >= 0),
    spell_overlap double precision check (spell_overlap between 0 and 1),
    onset_error_days double precision check (onset_error_days >= 0),
    end_error_days double precision check (end_error_days >= 0),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (data_origin, format, judgement)
);

create table analysis.vacancy_evaluation (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    format text not null,
    judgement text not null,
    quarters_vacant bigint not null check (quarters_vacant >= 0),
    truth text not null check (truth = 'injected'),
    homes bigint not null check (homes >= 0),
    other_homes bigint not null check (other_homes >= 0),
    recall double precision check (recall between 0 and 1),
    recall_lower double precision check (recall_lower between 0 and 1),
    recall_upper double precision check (recall_upper between 0 and 1),
    false_share double precision check (false_share between 0 and 1),
    predictive_value_at_3 double precision check (predictive_value_at_3 between 0 and 1),
    predictive_value_at_5 double precision check (predictive_value_at_5 between 0 and 1),
    brier double precision check (brier between 0 and 1),
    calibration_slope double precision,
    onset_error_days double precision check (onset_error_days >= 0),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (data_origin, format, judgement, quarters_vacant)
);

create table analysis.fieldwork_case_for_use (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    format text not null,
    threshold double precision not null check (threshold between 0 and 1),
    prevalence double precision not null check (prevalence between 0 and 1),
    recall double precision check (recall between 0 and 1),
    false_share double precision check (false_share between 0 and 1),
    skipped_empty double precision check (skipped_empty >= 0),
    skipped_occupied double precision check (skipped_occupied >= 0),
    calls_saved double precision check (calls_saved >= 0),
    calls_saved_share double precision check (calls_saved_share between 0 and 1),
    predictive_value double precision check (predictive_value between 0 and 1),
    net_saving double precision,
    call_cost double precision not null check (call_cost >= 0),
    missed_home_cost double precision not null check (missed_home_cost >= 0),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (data_origin, format, threshold, prevalence)
);

create table analysis.imputation_evaluation (
    data_origin text not null check (data_origin ~ '^(real|simulated)$'),
    format text not null,
    method text not null check (method ~ '^(rules|linear|last_week)$'),
    length text not null check (length ~ '^(to_2_hours|to_1_day|longer)$'),
    homes bigint not null check (homes >= 1),
    hidden bigint not null check (hidden >= 0),
    imputed double precision check (imputed between 0 and 1),
    mae_kwh double precision check (mae_kwh >= 0),
    bias_kwh_per_day double precision,
    quarters bigint not null check (quarters >= 0),
    changed_decisions bigint not null check (changed_decisions >= 0),
    parameters_hash text not null check (parameters_hash ~ '^[0-9a-f]{16}$'),
    primary key (data_origin, format, method, length)
);

-- rows of before have the hash of no model
alter table restricted.meter_quarters
add column models_hash text not null default '0000000000000000' check (models_hash ~ '^[0-9a-f]{16}$');
alter table restricted.meter_quarters alter column models_hash drop default;
alter table analysis.meter_vacancy_controlled
add column parameters_hash text not null default '0000000000000000' check (parameters_hash ~ '^[0-9a-f]{16}$');
alter table analysis.meter_vacancy_controlled alter column parameters_hash drop default;

create table restricted.meter_imputed_half_hours (
    meter_key bigint not null,
    started_at timestamptz not null,
    day date not null,
    kwh_imputed double precision not null,
    imputation text not null check (imputation ~ '^(linear|weekday_median)$')
);
create index meter_imputed_half_hours_meter on restricted.meter_imputed_half_hours using brin (meter_key);
alter table analysis.meter_consumption_controlled
add column imputed_share double precision check (imputed_share between 0 and 1);
