-- The schemas of the layers, and the ledger of files and loads (schema ops is made by the migrator).

create schema raw;
create schema seeds;
create schema staging;
create schema intermediate;
create schema marts;
create schema analysis;
create schema restricted;
create schema published;
create schema if not exists dagster;

create table ops.files (
    file_id text primary key check (file_id ~ '^[0-9a-f]{16}$'),
    source text not null check (source ~ '^[a-z0-9_-]{1,64}$'),
    delivery text not null check (delivery ~ '^[a-z0-9_-]{1,64}$'),
    name text not null,
    -- null for a file that was refused unread
    sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint check (size_bytes >= 0),
    -- null for a file that no reader knows
    data_origin text check (data_origin in ('real', 'simulated')),
    -- the partitions that the file's name says it touches; empty for a file that no reader knows
    partitions text[] not null,
    landed_at timestamptz not null default now(),
    superseded_by text references ops.files (file_id) deferrable initially deferred,
    unique nulls not distinct (source, name, sha256)
);
create unique index files_current on ops.files (source, name) where superseded_by is null;

create table ops.loads (
    load_id text primary key check (load_id ~ '^[0-9a-f]{16}$'),
    file_id text not null references ops.files (file_id),
    reader text not null,
    reader_version text not null,
    -- committed once every partition of the file is built
    state text not null check (state in ('started', 'committed')),
    outcome text not null check (outcome in ('loaded', 'outage', 'refused')),
    reason text,
    rows_in bigint not null default 0,
    accepted bigint not null default 0,
    quarantined bigint not null default 0,
    data_origin text check (data_origin in ('real', 'simulated')),
    code_version text not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    unique (file_id, reader, reader_version),
    constraint origin_known check (outcome = 'refused' or data_origin is not null),
    constraint rows_in_is_accepted_plus_quarantined check (rows_in = accepted + quarantined),
    constraint committed_is_finished check ((state = 'committed') = (finished_at is not null)),
    constraint refused_has_reason check (outcome <> 'refused' or reason is not null)
);

create table ops.load_partitions (
    load_id text not null references ops.loads (load_id) on delete cascade,
    partition text not null check (partition ~ '^[a-z0-9_-]{1,64}$'),
    accepted bigint not null check (accepted >= 0),
    primary key (load_id, partition)
);

create table ops.quarantine (
    load_id text not null references ops.loads (load_id) on delete cascade,
    line bigint not null check (line >= 1),
    reason text not null,
    content text,
    primary key (load_id, line)
);
