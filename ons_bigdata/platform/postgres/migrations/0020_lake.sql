-- The catalog of the lake: tables with their fixed number of buckets, and the files that are live.

create table ops.lake_tables (
    table_name text primary key check (table_name ~ '^[a-z0-9_-]{1,64}$'),
    buckets integer not null check (buckets between 1 and 1024)
);

create table ops.lake_files (
    table_name text not null references ops.lake_tables (table_name),
    partition text not null check (partition ~ '^[a-z0-9_-]{1,64}$'),
    bucket integer not null check (bucket >= 0),
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    rows bigint not null check (rows > 0),
    size_bytes bigint not null check (size_bytes > 0),
    load_ids text[] not null check (cardinality(load_ids) > 0),
    live_since timestamptz not null default now(),
    primary key (table_name, partition, bucket, sha256)
);
