"""Reports of the prices pilot: frames in, HTML and text out."""
