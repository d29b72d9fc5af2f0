-- Losses that stay are reported as open, and then as a shift of the level. The table is written anew with each run.

truncate analysis.short_run_items;
alter table analysis.short_run_items
    add column state text not null check (state in ('comes_back', 'open', 'level_shift')),
    add column lost_on date not null check (lost_on <= collected_on);
