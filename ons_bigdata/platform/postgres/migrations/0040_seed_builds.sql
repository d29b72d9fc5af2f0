-- Seeds as they were when they were last built and all their tests passed.

create table ops.seed_builds (
    pilot text primary key,
    project_hash text not null,
    content_hash text not null,
    built_at timestamptz not null default now()
);

comment on table ops.seed_builds is
    'One row per pilot whose seeds were built and passed all their tests. They are not built again while both hashes are the same.';
comment on column ops.seed_builds.project_hash is 'hash of all files of the dbt project and of the version of dbt';
comment on column ops.seed_builds.content_hash is 'hash of the rows of all seed tables of the pilot, whatever their order';
