-- Outcomes of work that is not done again while what it depends on is the same: one table for seeds, checks of code,
-- tables that are replaced whole, and lineage.

create table ops.kept_outcomes (
    work text not null check (work in ('check', 'lineage', 'seeds', 'table')),
    name text not null,
    basis text not null,
    outcome jsonb not null,
    kept_at timestamptz not null default clock_timestamp(),
    primary key (work, name)
);

comment on table ops.kept_outcomes is
    'One row per piece of work whose outcome stands while its basis is the same: seeds of a pilot that were built and passed all their tests, a check of code that passed, a table that was replaced whole, the column lineage of a query.';
comment on column ops.kept_outcomes.name is
    'of a check: asset and check; of lineage: id of the node of dbt; of seeds: pilot; of a table: schema.table';
comment on column ops.kept_outcomes.basis is 'hashes of all that the outcome depends on: code, versions of libraries, settings, rows';
comment on column ops.kept_outcomes.outcome is
    'of a check: what its evaluation reported; of lineage: sources by column; of seeds: empty; of a table: number of rows';

insert into ops.kept_outcomes (work, name, basis, outcome, kept_at)
select 'seeds', pilot, project_hash || ' ' || content_hash, '{}', built_at from ops.seed_builds
union all
select 'check', asset || ' ' || check_name, code_hash, metadata, passed_at from ops.code_checks
union all
select 'table', table_name, inputs_hash, jsonb_build_object('rows', rows_of_day), clock_timestamp()
from ops.table_days where day = date '0001-01-01' and inputs_hash is not null;

delete from ops.table_days where day = date '0001-01-01';
drop table ops.seed_builds;
drop table ops.code_checks;
