"""The prices pilot: supermarket prices from the web, turned into price indices."""
