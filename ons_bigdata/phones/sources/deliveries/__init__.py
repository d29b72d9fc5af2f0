"""Deliveries of flows: tables under the contract, and the formats of published flows."""
