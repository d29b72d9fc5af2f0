{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='append_new_columns',
        pre_hook="{{ delete_window('collected_on') }}",
        post_hook=[
            "{{ record_window('collected_on') }}",
            "create index if not exists stg_prices__quotes_repeated on {{ this }} (collected_on, listings) where listings > 1",
        ],
        indexes=[{'columns': ['collected_on']}],
        tags=['windowed_daily'],
    )
}}

-- The index of listings that were repeated serves the check that staging holds every raw day.
-- The filter on the window is outside is_incremental(): the first run builds its window only, too.
-- A full refresh is refused (it would drop the days outside the window); the window replaces it.
with source as (

    select * from {{ source('raw', 'price_quotes') }}
    where {{ in_window('collected_on') }}

),

renamed as (

    select
        loads.data_origin,
        source.retailer,
        source.item_number,
        source.product_name,
        source.product_id,
        -- '100 g' is a price per 0.1 kg. A unit of unknown measure gives no size, nor does a unit price of 0.
        source.price_gbp / nullif(source.unit_price, 0)
            * split_part(source.unit, ' ', 1)::double precision
            * {{ quantity_per_measure("split_part(source.unit, ' ', 2)") }} as pack_size,
        source.collected_on,
        source.price_gbp,
        source.unit_price,
        source.unit,
        source.promotion,
        -- true, false, or null where the source has no such field
        case source.attributes ->> 'in_stock' when 'true' then true when 'false' then false end as in_stock,
        source.category,
        source.run_id,
        source.load_id,
        source.line,
        source.collected_at
    from source
    inner join {{ source('ops', 'loads') }} as loads
        on source.load_id = loads.load_id

),

sized as (

    select
        *,
        round(ln(pack_size) / ln(1.08::double precision))::integer as size_class
    from renamed

),

identified as (

    select
        *,
        md5(concat_ws(
            chr(31), data_origin, retailer, item_number, coalesce(product_id, ''), product_name,
            coalesce(size_class::text, '')
        )) as listing_id
    from sized

),

-- Run ids of one retailer sort by time. The two files of one run differ by the load.
ranked as (

    select
        *,
        row_number() over (
            partition by collected_on, listing_id order by run_id desc, load_id desc, line desc
        ) as place,
        count(*) over (partition by collected_on, listing_id) as listings,
        first_value(run_id) over (
            partition by collected_on, listing_id order by run_id desc, load_id desc, line desc
        ) as last_run_id
    from identified

),

prices_of_last_run as (

    select
        collected_on,
        listing_id,
        count(distinct price_gbp) as prices_in_run
    from ranked
    where run_id = last_run_id
    group by collected_on, listing_id

),

final as (

    select
        ranked.data_origin,
        ranked.retailer,
        ranked.item_number,
        ranked.product_name,
        ranked.product_id,
        ranked.pack_size,
        ranked.size_class,
        ranked.collected_on,
        ranked.price_gbp,
        ranked.unit_price,
        ranked.unit,
        ranked.promotion,
        ranked.category,
        ranked.run_id,
        ranked.load_id,
        ranked.line,
        ranked.collected_at,
        ranked.listings::integer as listings,
        prices_of_last_run.prices_in_run::integer as prices_in_run,
        ranked.listing_id,
        ranked.in_stock
    from ranked
    inner join prices_of_last_run
        on
            ranked.collected_on = prices_of_last_run.collected_on
            and ranked.listing_id = prices_of_last_run.listing_id
    where ranked.place = 1

)

select * from final
