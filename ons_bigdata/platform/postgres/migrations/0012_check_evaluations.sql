-- Evaluations of asset checks with the partitions of their run, which Dagster does not keep.

create table ops.check_evaluations (
    run_id text not null,
    asset text not null,
    check_name text not null,
    first_partition text,
    last_partition text,
    passed boolean not null,
    severity text not null check (severity in ('WARN', 'ERROR')),
    evaluated_at timestamptz not null,
    check ((first_partition is null) = (last_partition is null)),
    check (first_partition <= last_partition),
    primary key (run_id, asset, check_name, evaluated_at)
);
create index on ops.check_evaluations (asset, check_name, evaluated_at);

comment on table ops.check_evaluations is
    'One row per evaluation of a check in a run of a command: the partitions of the run, and whether it passed.';
comment on column ops.check_evaluations.first_partition is 'first partition of the run; null for a run without any';
comment on column ops.check_evaluations.last_partition is 'last partition of the run; null for a run without any';
comment on column ops.check_evaluations.severity is 'WARN for a fault of the data, ERROR for one of the computation';
