-- For the check that compares the rows of each load and day with the ledger: it counts them in this index, some 8 bytes a
-- row, and does not read the table.

create index price_quotes_load on raw.price_quotes (load_id, collected_on);
