-- States of weekly indices after the weeks that begin in each month, from which the next month goes on.

create table analysis.weekly_index_states (like analysis.price_index_states including all);

create table analysis.weekly_index_error_states (like analysis.price_index_states including all);
