-- Checks that depend on code alone, as they were when they last passed.

create table ops.code_checks (
    asset text not null,
    check_name text not null,
    code_hash text not null,
    metadata jsonb not null,
    passed_at timestamptz not null default clock_timestamp(),
    primary key (asset, check_name)
);

comment on table ops.code_checks is
    'One row per check that reads no data, with the code with which it last passed. It is not evaluated again while the hash is the same.';
comment on column ops.code_checks.code_hash is
    'hash of the Python files of the code under test, of the check, of the versions of Python and of the libraries, and of the settings';
comment on column ops.code_checks.metadata is 'numbers and texts that the evaluation reported';
