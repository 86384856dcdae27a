"""``python -m replearn.runs``: see ``command_line``."""

from replearn.runs.command_line import main

main()
