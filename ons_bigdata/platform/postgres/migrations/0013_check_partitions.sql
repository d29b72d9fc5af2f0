-- The partitions that an evaluation of a check is about, and those for which the check failed.

alter table ops.check_evaluations
    add column partitions text[],
    add column failed_partitions text[];

-- until now every evaluation was recorded with the partitions of its run, which were days
update ops.check_evaluations
set partitions = case
    when first_partition ~ '^\d{4}-\d{2}-\d{2}$' and last_partition ~ '^\d{4}-\d{2}-\d{2}$'
        then array(
            select to_char(day, 'YYYY-MM-DD')
            from generate_series(first_partition::date, last_partition::date, interval '1 day') as series (day)
        )
    else array[first_partition]
end
where first_partition is not null;

comment on table ops.check_evaluations is
    'One row per evaluation of a check in a run: the partitions that it is about, and whether it passed.';
comment on column ops.check_evaluations.first_partition is 'first of the partitions; null where partitions is null';
comment on column ops.check_evaluations.last_partition is 'last of the partitions; null where partitions is null';
comment on column ops.check_evaluations.partitions is
    'partitions that were checked: those of the run; null where the whole table was checked';
comment on column ops.check_evaluations.failed_partitions is
    'partitions for which the check failed; null where it passed or does not say where it failed';

create view ops.check_partitions as
with checked as (
    select distinct asset, check_name, key
    from ops.check_evaluations
    cross join lateral unnest(partitions || failed_partitions) as keys (key)
    union all
    select distinct asset, check_name, null::text as key
    from ops.check_evaluations
    where partitions is null
)
select
    checked.asset,
    checked.check_name,
    checked.key as partition,
    case
        when latest.passed then true
        when checked.key is null then coalesce(cardinality(latest.failed_partitions), 0) > 0
        when latest.failed_partitions is not null then checked.key <> all(latest.failed_partitions)
        when latest.partitions is not null then false
    end as passed,
    latest.severity,
    latest.evaluated_at,
    latest.run_id
from checked
cross join lateral (
    select passed, partitions, failed_partitions, severity, evaluated_at, run_id
    from ops.check_evaluations as evaluations
    where evaluations.asset = checked.asset and evaluations.check_name = checked.check_name
        and (evaluations.partitions is null or checked.key = any(evaluations.partitions))
    order by evaluated_at desc
    limit 1
) as latest;

comment on view ops.check_partitions is
    'One row per check and partition, and one per check of a whole table: the latest evaluation about it.';
comment on column ops.check_partitions.partition is 'partition, such as a day; null for the table as a whole';
comment on column ops.check_partitions.passed is
    'whether it passed; null where a check of the whole table failed and does not say for which partitions';
