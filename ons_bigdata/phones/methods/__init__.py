"""Statistics of the phones pilot: pure functions, frames and arrays in and out."""
