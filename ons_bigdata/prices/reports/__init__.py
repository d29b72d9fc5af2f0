"""Reports of the prices pilot: frames in, pages and text out. What is reported is worked out elsewhere."""
