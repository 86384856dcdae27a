"""``python -m cookbook`` is the command line."""

from cookbook.cli import main

main()
