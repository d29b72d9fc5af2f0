-- One pair of tables for the indices of all recipes: `web_daily` is a recipe among the others.

drop table analysis.elementary_price_indices;
drop table analysis.aggregate_price_indices;

alter table analysis.recipe_price_indices rename to aggregate_price_indices;
alter index analysis.recipe_price_indices_pkey rename to aggregate_price_indices_pkey;

alter table analysis.recipe_elementary_indices rename to elementary_price_indices;
alter index analysis.recipe_elementary_indices_pkey rename to elementary_price_indices_pkey;
alter table analysis.elementary_price_indices rename column level to segment_index;
alter table analysis.elementary_price_indices add column quotes_undecided integer not null default 0;
alter table analysis.elementary_price_indices alter column quotes_undecided drop default;
