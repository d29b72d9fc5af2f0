with final as (

    select
        item_weights.weights_year,
        item_weights.item_number,
        item_weights.class_code,
        class_weights.division_code,
        case
            when sum(item_weights.weight) over class_items > 0
                then class_weights.weight::double precision * item_weights.weight
                    / sum(item_weights.weight) over class_items
            else 0
        end::double precision as weight
    from {{ ref('item_weights') }} as item_weights
    inner join {{ ref('items') }} as items
        on item_weights.item_number = items.item_number
    inner join {{ ref('class_weights') }} as class_weights
        on
            item_weights.class_code = class_weights.class_code
            and item_weights.weights_year = class_weights.weights_year
    window class_items as (partition by item_weights.weights_year, item_weights.class_code)

)

select * from final
