{{ config(materialized='view', tags=['whole']) }}

select
    run_id,
    retailer,
    collected_on,
    data_origin,
    started_at,
    finished_at,
    finish_reason,
    user_agent,
    robots_obeyed,
    robots_sha256,
    delay_s,
    budget_requests,
    requests,
    retries,
    responses_by_status,
    bytes_received,
    pages_kept,
    pages_file,
    pages_sha256,
    rows,
    parse_failures,
    categories_found,
    categories_missing,
    within_allowed_hours,
    parser_version
from {{ source('raw', 'scrape_runs') }}
