"""Rows of a table, in CSV or JSON lines, as requests for many videos."""

from .filling import fill_outputs
from .reading import read_rows

__all__ = ["fill_outputs", "read_rows"]
