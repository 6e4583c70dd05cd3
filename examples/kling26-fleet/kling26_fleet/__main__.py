"""``python -m kling26_fleet``, wherever the command is."""

from .cli import main

main()
