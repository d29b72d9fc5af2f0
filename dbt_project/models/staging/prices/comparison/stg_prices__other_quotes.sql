{{ config(materialized='table', tags=['whole']) }}

-- After the sources, so that the test against them runs with this model:
-- depends_on: {{ ref('price_sources') }}

with source as (

    select * from {{ source('raw', 'other_price_quotes') }}

),

-- A file that another has superseded may still have rows until its days are rebuilt.
renamed as (

    select
        loads.data_origin,
        source.source,
        source.retailer,
        source.item_number,
        coalesce(source.product_id, source.product_name) as product,
        source.product_id,
        source.product_name,
        source.price_gbp / nullif(source.unit_price, 0)
            * split_part(source.unit, ' ', 1)::double precision
            * {{ quantity_per_measure("split_part(source.unit, ' ', 2)") }} as pack_size,
        source.collected_on,
        source.delivered_on,
        source.price_gbp,
        source.load_id,
        source.line
    from source
    inner join {{ source('ops', 'loads') }} as loads
        on source.load_id = loads.load_id
    inner join {{ source('ops', 'files') }} as files
        on loads.file_id = files.file_id
    where files.superseded_by is null

),

-- The last delivery of a day counts; of a product listed twice in it, the last line.
ranked as (

    select
        *,
        row_number() over (
            partition by data_origin, source, retailer, item_number, product, collected_on
            order by delivered_on desc, load_id desc, line desc
        ) as place,
        count(*) over (
            partition by data_origin, source, retailer, item_number, product, collected_on
        ) as listings
    from renamed

),

final as (

    select
        data_origin,
        source,
        retailer,
        item_number,
        product,
        product_id,
        product_name,
        pack_size,
        collected_on,
        delivered_on,
        price_gbp,
        listings::integer as listings
    from ranked
    where place = 1

)

select * from final
