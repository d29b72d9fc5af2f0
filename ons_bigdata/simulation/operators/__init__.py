"""Mobile network operators as a source: what one would deliver of known flows, with the truth apart."""
