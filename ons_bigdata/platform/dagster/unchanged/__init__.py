"""Work that a run does not do again: what it depends on is as it was when it was last done, so its outcome stands."""
