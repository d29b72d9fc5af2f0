"""Zones of devices by hour, and what follows: population present, movements between areas, nights of visitors."""
