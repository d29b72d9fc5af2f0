"""Tweets pilot: geo-located events become places, residence and internal migration."""
