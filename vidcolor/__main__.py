"""`python -m vidcolor`: the command line."""

import sys

from vidcolor.cli import main

sys.exit(main())
