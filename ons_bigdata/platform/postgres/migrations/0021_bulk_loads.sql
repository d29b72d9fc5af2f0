-- Loads of bulk sources: the key of their pseudonyms, quarantined lines counted by reason, expiry of landed bytes.

-- null where the rows have no pseudonyms
alter table ops.loads add column key_id text check (key_id ~ '^[0-9a-f]{16}$');

-- when the landed bytes were deleted; null while they are kept
alter table ops.files add column expired_at timestamptz;

-- every quarantined line is counted; of one reason and load the first 1,000 are in ops.quarantine
create table ops.quarantine_reasons (
    load_id text not null references ops.loads (load_id) on delete cascade,
    reason text not null,
    rows bigint not null check (rows > 0)
);
create index quarantine_reasons_load on ops.quarantine_reasons (load_id);

insert into ops.quarantine_reasons (load_id, reason, rows)
select load_id, reason, count(*) from ops.quarantine group by load_id, reason;

-- files of a load, which go when it is superseded
create index lake_files_loads on ops.lake_files using gin (load_ids);
