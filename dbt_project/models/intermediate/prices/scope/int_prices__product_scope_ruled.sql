with descriptions as (

    select * from {{ source('analysis', 'product_descriptions') }}

),

specifications as (

    select * from {{ ref('item_specifications') }}

),

-- The number that a condition with bounds is on; null where it is not known, or in another measure.
measured as (

    select
        descriptions.data_origin,
        descriptions.item_number,
        descriptions.retailer,
        descriptions.product_name,
        descriptions.plain_name,
        descriptions.is_multiple,
        descriptions.is_european,
        string_to_array(descriptions.terms, ' ') as terms,
        specifications.rule_id,
        specifications.attribute,
        specifications.condition,
        specifications.low,
        specifications.high,
        specifications.words,
        specifications.outcome,
        specifications.source,
        case
            when specifications.measure <> coalesce(descriptions.measure, '') then null
            when specifications.attribute = 'total_size' then descriptions.total_size
            when specifications.attribute = 'piece_size' then descriptions.piece_size
            when specifications.attribute = 'pieces' then descriptions.pieces
            when specifications.attribute = 'strength_abv' then descriptions.strength_abv
        end as number
    from descriptions
    inner join specifications
        on descriptions.item_number = specifications.item_number

),

-- True for each condition that holds; a condition on an unknown value does not hold.
answered as (

    select
        data_origin,
        item_number,
        retailer,
        product_name,
        rule_id,
        outcome,
        source,
        coalesce(
            case condition
                when 'between' then number between low and high
                when 'outside' then number not between low and high
                when 'any_of' then terms && string_to_array(words, ' ')
                when 'none_of' then not terms && string_to_array(words, ' ')
                when 'matches' then plain_name ~ words
                when 'is_true' then case attribute when 'is_multiple' then is_multiple else is_european end
                when 'is_false' then not case attribute when 'is_multiple' then is_multiple else is_european end
            end,
            false
        ) as holds
    from measured

),

products as (

    select
        data_origin,
        item_number,
        retailer,
        product_name,
        min(rule_id) filter (where outcome = 'out' and holds) as rule_id_out,
        coalesce(bool_and(holds) filter (where outcome = 'in'), false) as all_in,
        string_agg(rule_id, ' ' order by rule_id) filter (where outcome = 'in') as rule_ids_in
    from answered
    group by data_origin, item_number, retailer, product_name

),

final as (

    select
        descriptions.data_origin,
        descriptions.item_number,
        descriptions.retailer,
        descriptions.product_name,
        case
            when products.rule_id_out is not null then 'out'
            when products.all_in then 'in'
            else 'open'
        end as outcome,
        case
            when products.rule_id_out is not null then products.rule_id_out
            when products.all_in then products.rule_ids_in
        end as rule_id,
        case
            when products.rule_id_out is not null then specifications.source
            when products.all_in then 'every condition of the item holds'
            when products.product_name is null then 'the item has no specification'
            else 'no condition decides'
        end as reason
    from descriptions
    left join products
        on
            descriptions.data_origin = products.data_origin
            and descriptions.item_number = products.item_number
            and descriptions.retailer = products.retailer
            and descriptions.product_name = products.product_name
    left join specifications
        on products.rule_id_out = specifications.rule_id

)

select * from final
