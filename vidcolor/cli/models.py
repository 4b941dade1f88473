"""`--models`: all models in a table."""

from vidcolor.cli.output import say
from vidcolor.models.catalog import tell_models


def print_models() -> int:
    """Print all models; the exit code."""
    say(*tell_models().splitlines())
    return 0
