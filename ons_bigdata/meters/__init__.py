"""The meters pilot: half-hourly electricity readings become quality, days, absence and vacancy."""
