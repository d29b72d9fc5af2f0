"""`simulate`: the simulated shops over HTTP, and the files of the simulated world."""
