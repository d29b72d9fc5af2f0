"""Statistics of the tweets pilot: pure functions, frames and arrays in and out."""
