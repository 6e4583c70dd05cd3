"""Rows of a table, in CSV or JSON lines, as requests for many videos."""

from .reading import read_rows

__all__ = ["read_rows"]
