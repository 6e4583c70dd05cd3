"""`python -m kling26.cli` is the command `kling26`."""

from .entry import main

main()
