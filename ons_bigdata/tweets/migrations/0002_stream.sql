-- Times without connection to the stream of posts. No row is about a single person.

create table raw.tweet_stream_gaps (
    load_id text not null references ops.loads (load_id),
    line integer not null check (line >= 1),
    gap_day date not null,
    stream text not null check (stream ~ '^[a-z0-9_-]{1,64}$'),
    from_utc timestamptz not null,
    to_utc timestamptz not null,
    reason text not null check (
        reason in (
            'closed', 'dropped', 'stalled', 'unreachable', 'http_error', 'platform_disconnect', 'rate_limited',
            'too_many_connections', 'stopped', 'killed'
        )
    ),
    detail text,
    failed_attempts integer not null check (failed_attempts >= 0),
    responses text,
    half_line_bytes bigint not null check (half_line_bytes >= 0),
    check (to_utc >= from_utc),
    primary key (load_id, line)
);
create index tweet_stream_gaps_day on raw.tweet_stream_gaps (gap_day);
