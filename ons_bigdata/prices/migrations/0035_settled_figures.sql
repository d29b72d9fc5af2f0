-- Settled figures, their revisions, and the events by which they may change.

create table analysis.settled_figures (
    data_origin text not null,
    level text not null,
    code text not null,
    recipe text not null,
    method text not null,
    scope text not null,
    period date not null,
    frequency text not null,
    index double precision,
    revision_status text not null check (revision_status in ('settled', 'revised')),
    revisions integer not null check (revisions >= 0),
    vintage date not null,
    settles_on date not null,
    is_held boolean not null,
    held_index double precision,
    is_computed boolean not null,
    primary key (data_origin, level, code, recipe, method, scope, period)
);

create table analysis.figure_revisions (
    data_origin text not null,
    level text not null,
    code text not null,
    recipe text not null,
    method text not null,
    scope text not null,
    period date not null,
    revision integer not null check (revision >= 1),
    vintage date not null,
    frequency text not null,
    old_index double precision,
    new_index double precision,
    kinds text not null,
    reason text not null,
    primary key (data_origin, level, code, recipe, method, scope, period, revision)
);

create table analysis.revision_events (
    event_id text primary key,
    kind text not null check (kind in ('late_file', 'decision', 'new_method', 'new_weights', 'new_labels')),
    data_origin text,
    recipe text,
    first_day date,
    description text not null
);
