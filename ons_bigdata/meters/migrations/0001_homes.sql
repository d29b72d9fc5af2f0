-- Attributes of homes and answers of their surveys, by the pseudonym of the meter: no address, no name.
-- Bounds are checked by the frames, before rows are copied.

create table restricted.meter_homes (
    customer text,
    tariff text,
    stimulus text,
    sme_allocation text,
    area text,
    dwelling_type text,
    segment text,
    has_electric_heating boolean,
    has_solar boolean,
    meter_key bigint not null primary key,
    data_origin text not null,
    format text not null,
    rows integer not null,
    conflicts integer not null
);

create table restricted.meter_survey_answers (
    meter_key bigint not null,
    data_origin text not null,
    survey text not null,
    question integer not null,
    place integer not null,
    answer text,
    missing text
);
create index meter_survey_answers_meter on restricted.meter_survey_answers using brin (meter_key);
