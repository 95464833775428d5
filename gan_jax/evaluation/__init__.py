"""Numbers about samples."""
