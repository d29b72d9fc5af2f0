"""One simulated world of areas, addresses, households and persons, which the pilots' simulated sources show in part."""
