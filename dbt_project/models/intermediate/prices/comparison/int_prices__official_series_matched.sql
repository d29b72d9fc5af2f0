select
    months.data_origin,
    series.level,
    series.code,
    months.series_id,
    months.month,
    months.value as index
from {{ ref('stg_prices__official_series') }} as months
inner join {{ ref('official_series') }} as series
    on
        months.series_id = series.series_id
        and months.data_origin = series.data_origin
where months.value > 0
