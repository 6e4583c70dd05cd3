"""``python -m kling26_fleet``, wherever the command is."""

from kling26_fleet.cli import main

main()
