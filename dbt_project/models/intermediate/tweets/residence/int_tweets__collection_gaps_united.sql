-- Times without collection: those that the collector of the stream has recorded, and those that the archives show.

with of_stream as (

    select
        data_origin,
        stream as source,
        'stream' as recorded_by,
        from_utc,
        to_utc,
        reason,
        null::double precision as expected_events
    from {{ ref('stg_tweets__stream_gaps') }}

),

of_archives as (

    select
        data_origin,
        source,
        'archives' as recorded_by,
        from_utc,
        to_utc,
        'no_events' as reason,
        expected_events
    from {{ source('analysis', 'tweet_archive_gaps') }}

),

united as (

    select * from of_stream
    union all
    select * from of_archives

),

final as (

    select
        data_origin,
        source,
        recorded_by,
        from_utc,
        to_utc,
        extract(epoch from to_utc - from_utc)::double precision as duration_s,
        reason,
        expected_events
    from united

)

select * from final
