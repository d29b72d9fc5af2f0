"""Parts that all pilots share: server, warehouse, landing, ledger, partitions, dbt, checks. Free of pilots' facts."""
