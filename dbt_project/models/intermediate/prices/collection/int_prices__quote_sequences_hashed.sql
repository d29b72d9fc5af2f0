{{ config(materialized='by_day', indexes=[{'columns': ['collected_on']}]) }}

-- Products, prices and offers in the order of the shop. Times and addresses may differ though the shop stands still.
with final as (

    select
        data_origin,
        retailer,
        collected_on,
        run_id,
        count(*)::integer as listings,
        md5(string_agg(
            concat_ws(
                chr(31), item_number, category, coalesce(product_id, ''), product_name, price_gbp,
                coalesce(unit_price::text, ''), coalesce(unit, ''), coalesce(promotion, ''),
                coalesce(in_stock::text, '')
            ),
            chr(30) order by load_id, line
        )) as sequence_md5
    from {{ ref('stg_prices__quotes') }}
    where {{ in_stale_days('collected_on') }}
    group by data_origin, retailer, collected_on, run_id

)

select * from final
