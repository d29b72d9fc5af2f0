-- Flows by the executable rules beside those that the operator delivered under the same specification.

select
    rules.data_origin,
    rules.provider,
    rules.month,
    rules.spec_id,
    rules.segment,
    rules.origin,
    rules.destination,
    rules.devices as rule_devices,
    rules.status as rule_status,
    delivered.devices as delivered_devices,
    delivered.status as delivered_status,
    rules.devices - delivered.devices as difference
from {{ source('analysis', 'phone_rule_flows') }} as rules
left join {{ ref('stg_phones__flows') }} as delivered
    on
        rules.data_origin = delivered.data_origin
        and rules.provider = delivered.provider
        and rules.month = delivered.month
        and rules.spec_id = delivered.spec_id
        and rules.segment = delivered.segment
        and rules.origin = delivered.origin_code
        and rules.destination = delivered.dest_code
        and delivered.cell_kind = 'pair'
        and delivered.day_type = 'all'
