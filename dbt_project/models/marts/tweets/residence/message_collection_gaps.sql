with gaps as (

    select * from {{ ref('int_tweets__collection_gaps_united') }}

),

final as (

    select
        data_origin,
        source,
        recorded_by,
        from_utc,
        to_utc,
        duration_s,
        reason,
        expected_events
    from gaps

)

select * from final
