"""`python -m kling26` is the command `kling26`."""

from .cli import main

main()
