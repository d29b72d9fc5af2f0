with final as (

    select
        data_origin,
        format,
        group_kind,
        home_group,
        quarter,
        homes,
        judged,
        carried,
        stock,
        became_vacant,
        occupied_again,
        appeared,
        disappeared,
        expected_stock,
        expected_became_vacant,
        expected_occupied_again,
        expected_appeared,
        expected_disappeared,
        median_days,
        share_two_years,
        second_homes,
        reading_zero,
        reading_zero_vacant,
        vacant_share,
        vacant_share_lower,
        vacant_share_upper,
        no_interval_reason,
        rule_homes,
        rule_vacant,
        settlement,
        recipe,
        parameters_hash,
        status
    from {{ source('analysis', 'meter_vacancy_controlled') }}

)

select * from final
