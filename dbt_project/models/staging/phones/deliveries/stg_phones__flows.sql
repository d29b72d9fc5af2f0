{{ config(materialized='view', tags=['whole']) }}

select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.month,
    delivered.provider,
    delivered.spec_id,
    delivered.period_start,
    delivered.period_end,
    delivered.geography,
    delivered.vintage,
    delivered.cell_kind,
    delivered.origin_code,
    delivered.dest_code,
    delivered.segment,
    delivered.day_type,
    delivered.devices,
    delivered.persons,
    delivered.status,
    delivered.lower,
    delivered.upper,
    delivered.avg_days_observed,
    delivered.method_version
from {{ source('raw', 'phone_flows') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
union all
select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.month,
    delivered.provider,
    delivered.spec_id,
    delivered.period_start,
    delivered.period_end,
    delivered.geography,
    delivered.vintage,
    delivered.cell_kind,
    delivered.origin_code,
    delivered.dest_code,
    delivered.segment,
    delivered.day_type,
    delivered.devices,
    delivered.persons,
    delivered.status,
    delivered.lower,
    delivered.upper,
    delivered.avg_days_observed,
    delivered.method_version
from {{ source('raw', 'phone_matrix_flows') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
union all
select
    loads.data_origin,
    delivered.load_id,
    delivered.line,
    delivered.month,
    delivered.provider,
    delivered.spec_id,
    delivered.period_start,
    delivered.period_end,
    delivered.geography,
    delivered.vintage,
    delivered.cell_kind,
    delivered.origin_code,
    delivered.dest_code,
    delivered.segment,
    delivered.day_type,
    delivered.devices,
    delivered.persons,
    delivered.status,
    delivered.lower,
    delivered.upper,
    delivered.avg_days_observed,
    delivered.method_version
from {{ source('raw', 'phone_flowkit_flows') }} as delivered
inner join {{ source('ops', 'loads') }} as loads
    on delivered.load_id = loads.load_id
inner join {{ source('ops', 'files') }} as files
    on loads.file_id = files.file_id
where {{ is_delivered_last() }}
