-- Days of tables that are built by day: what each day holds, and what it was built from.

create table ops.table_days (
    table_name text not null check (table_name ~ '^[a-z0-9_]+\.[a-z0-9_]+$'),
    day date not null,
    rows_of_day bigint not null check (rows_of_day >= 0),
    content_hash numeric not null,
    inputs_hash text,
    is_checked boolean not null default false,
    primary key (table_name, day)
);

comment on table ops.table_days is 'One row per table that is built by day, and day.';
comment on column ops.table_days.table_name is 'schema.table';
comment on column ops.table_days.content_hash is 'sum of the hashes of the rows of the day, whatever their order';
comment on column ops.table_days.inputs_hash is
    'hash of what the day was built from: the days of its inputs in view, inputs without days, and code; null where the run names the days';
comment on column ops.table_days.is_checked is 'true once every check of the table has passed over the day, or has only warned';
