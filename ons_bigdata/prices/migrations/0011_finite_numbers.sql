-- Float columns of raw tables hold finite numbers within the bounds of their frames (prices/schemas/official.py).
-- NaN is above every number in Postgres, so an upper bound excludes it.

alter table raw.official_item_indices
    add check (index > 0 and index <= 1000000),
    add check (weight >= 0 and weight <= 1000);

alter table raw.official_price_quotes
    add check (price_gbp >= 0 and price_gbp <= 10000000),
    add check (stratum_weight >= 0 and stratum_weight < 'Infinity'),
    add check (shop_weight >= 0 and shop_weight < 'Infinity'),
    add check (base_price_gbp >= 0 and base_price_gbp <= 10000000);

alter table raw.official_series
    add check (value > '-Infinity' and value < 'Infinity');

alter table raw.other_price_quotes
    add check (price_gbp > 0 and price_gbp <= 10000),
    add check (unit_price >= 0 and unit_price <= 1000000);

alter table raw.scrape_runs
    add check (delay_s < 'Infinity');
