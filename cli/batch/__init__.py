"""`kling26 batch`: many videos from a table."""
