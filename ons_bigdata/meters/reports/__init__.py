"""Reports of the meters pilot: quality by delivery, and the figures of the pilot on simulated meters."""
