-- Columns that seed retailers has gained. dbt fills the table and adds no column to one that exists.

alter table if exists seeds.retailers
    add column if not exists rhythm text,
    add column if not exists ended_on date;
