-- The last version of each decision, and whether it takes effect.

with versions as (

    select
        *,
        row_number() over (partition by decision_id order by version desc) as place
    from {{ ref('price_decisions') }}

),

latest as (

    select
        *,
        decision in ('drop', 'correct') as needs_second_signature,
        -- blanks and case do not distinguish persons
        coalesce(lower(trim(second_signature)) not in ('', lower(trim(decided_by))), false) as is_countersigned
    from versions
    where place = 1

),

final as (

    select
        decision_id,
        version,
        retailer,
        item_number,
        category,
        product_name,
        valid_from,
        valid_to,
        decision,
        corrected_price_gbp,
        factor,
        new_item_number,
        decided_by,
        reason,
        second_signature,
        decided_on,
        case
            when decision = 'withdraw' then 'withdrawn'
            when needs_second_signature and not is_countersigned then 'waiting'
            else 'effective'
        end as state,
        decision = 'keep' and category is null and product_name is null as is_of_whole_days,
        (case when product_name is null then 0 else 4 end)
        + (case when category is null then 0 else 2 end)
        + (case when item_number is null then 0 else 1 end) as specificity
    from latest

)

select * from final
