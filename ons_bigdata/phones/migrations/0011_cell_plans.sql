-- One row per cell of an operator's cell plan.

create table raw.phone_cells (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 2),
    provider text not null check (provider ~ '^[a-z0-9_-]{1,64}$'),
    cell text not null check (cell ~ '^[!-~]{1,64}$'),
    easting_m double precision not null check (easting_m >= -1e+06 and easting_m <= 2e+06),
    northing_m double precision not null check (northing_m >= -1e+06 and northing_m <= 3e+06),
    area_class text not null check (area_class ~ '^(urban|suburban|rural)$'),
    radius_m double precision not null check (radius_m >= 0 and radius_m <= 200000),
    zone text check (zone ~ '^[A-Za-z0-9_]{1,32}$'),
    primary key (load_id, line)
);
create index phone_cells_partition on raw.phone_cells (provider);
