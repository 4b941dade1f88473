"""`python -m vidcolor`: the command line."""

import sys

from vidcolor.cli.main import main

sys.exit(main())
