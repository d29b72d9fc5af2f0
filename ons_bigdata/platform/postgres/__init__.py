"""Postgres: the embedded server, addresses of databases, migrations, bulk transfer and transactions."""
