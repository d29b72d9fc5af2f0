-- Redaction of landed files: lines that have to go are replaced by a marker, and the ledger keeps both hashes.

-- two versions of a file may have the same bytes once their lines are gone; file_id is the hash of the bytes as delivered
alter table ops.files drop constraint files_source_name_sha256_key;

alter table ops.files add column redacted_to bigint;
comment on column ops.files.redacted_to is
    'version of the rules by which the landed bytes were searched last; null where they never were';

create table ops.redaction_rules (
    source text primary key,
    version bigint not null check (version >= 1)
);
comment on table ops.redaction_rules is
    'One row per source with rules by which landed lines have to go: the version grows with each new rule.';

create table ops.redactions (
    redaction_id bigint generated always as identity primary key,
    file_id text not null references ops.files (file_id) on delete cascade,
    sha256_before text not null check (sha256_before ~ '^[0-9a-f]{64}$'),
    sha256_after text not null check (sha256_after ~ '^[0-9a-f]{64}$'),
    lines bigint not null check (lines > 0),
    rules bigint not null,
    begun_at timestamptz not null default now(),
    replaced_at timestamptz,
    finished_at timestamptz check (finished_at is null or replaced_at is not null)
);
create index redactions_file on ops.redactions (file_id);

comment on table ops.redactions is 'One row per rewriting of a landed file without lines that had to go.';
comment on column ops.redactions.rules is 'version of the rules that named the lines';
comment on column ops.redactions.replaced_at is
    'when the ledger took the redacted bytes for those of the file; null before that, and where it was killed';
comment on column ops.redactions.finished_at is
    'when the earlier bytes were deleted; null until then, and while another file has them';

create table ops.redacted_lines (
    load_id text not null references ops.loads (load_id) on delete cascade,
    line bigint not null check (line >= 1),
    primary key (load_id, line)
);
comment on table ops.redacted_lines is
    'One row per redacted line whose row has not been taken out of the lake, and cannot be known there by its keys.';

create table ops.lake_removals (
    table_name text primary key,
    removals bigint not null check (removals >= 1)
);
comment on table ops.lake_removals is
    'One row per table of the lake that lost rows by a rule: how often. What was computed meanwhile is not written.';
