"""The statistics of the prices pilot: pure functions, frames in and out, without I/O and clock."""
