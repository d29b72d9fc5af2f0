-- States of daily indices of prices per unit, apart from those of other daily indices: they alone depend on pack sizes.

create table analysis.unit_price_index_states (like analysis.price_index_states including all);

create table analysis.unit_price_index_error_states (like analysis.price_index_states including all);
