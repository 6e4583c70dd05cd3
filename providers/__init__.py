"""The built-in providers, one file each: pure translation, no network."""
