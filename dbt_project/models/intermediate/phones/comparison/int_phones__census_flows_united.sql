-- A table cut to a city repeats pairs of the whole table: of a pair and year the first table by name counts.
select distinct on (data_origin, geography, census_year, origin, destination)
    data_origin,
    geography,
    census_year,
    origin,
    destination,
    destination_kind,
    persons
from {{ ref('stg_phones__census_flows') }}
where persons > 0
order by
    data_origin asc, geography asc, census_year asc, origin asc, destination asc,
    census_table asc, load_id asc, line asc
