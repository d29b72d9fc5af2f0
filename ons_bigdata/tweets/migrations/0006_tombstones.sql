-- Compliance events as tombstones: posts and users whose rows have to go, and users whose posts may come again.

create table restricted.tweet_tombstones (
    tombstone_id bigint generated always as identity primary key,
    kind text not null check (
        kind in (
            'delete', 'edit', 'withheld', 'drop', 'undrop',
            'user_delete', 'user_undelete', 'user_protect', 'user_unprotect', 'user_suspend', 'user_unsuspend',
            'user_withheld', 'scrub_geo'
        )
    ),
    subject text not null check (subject in ('event', 'user')),
    key bigint not null,
    up_to_id numeric(20) check (up_to_id is null or kind = 'scrub_geo'),
    effective_at timestamptz not null,
    data_origin text not null check (data_origin in ('real', 'simulated')),
    key_id text not null check (key_id ~ '^[0-9a-f]{16}$'),
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    recorded_at timestamptz not null default now(),
    applied_at timestamptz,
    unique nulls not distinct (kind, key, up_to_id, effective_at)
);
create index tweet_tombstones_pending on restricted.tweet_tombstones (tombstone_id) where applied_at is null;

create table ops.compliance_applications (
    application_id bigint generated always as identity primary key,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    tombstones bigint not null default 0,
    landed_files bigint not null default 0,
    landed_lines bigint not null default 0,
    unreadable_files bigint not null default 0,
    spooled_lines bigint not null default 0,
    lake_rows bigint not null default 0,
    partitions text[] not null default '{}',
    derived_rows bigint not null default 0,
    derived_tables text[] not null default '{}'
);
create unique index compliance_applications_open on ops.compliance_applications ((true)) where finished_at is null;

comment on table ops.compliance_applications is
    'One row per application of tombstones: numbers of what was removed, without any id. At most one is open.';
comment on column ops.compliance_applications.finished_at is 'null while it goes on, or was killed and waits';
comment on column ops.compliance_applications.unreadable_files is
    'landed files that could not be searched: their bytes were deleted';
comment on column ops.compliance_applications.partitions is 'days of lake/geo_events that lost rows';
comment on column ops.compliance_applications.derived_tables is 'tables that lost the rows of users';
