"""What every pilot stands on: server, warehouse, landing, ledger, partitions, dbt, checks. Knows no pilot."""
