-- A level is an item, class or division; values of an index are indices.

alter table analysis.price_comparisons rename column left_last_level to left_last_index;
alter table analysis.price_comparisons rename column right_last_level to right_last_index;
alter table analysis.compared_price_levels rename to compared_price_indices;
alter table analysis.compared_price_indices rename column left_level to left_index;
alter table analysis.compared_price_indices rename column right_level to right_index;
