"""`--models`: all models in a table."""

from vidcolor.cli.output import say
from vidcolor.models.catalog import models_table


def print_models() -> int:
    """Print all models; the exit code."""
    say(*models_table().splitlines())
    return 0
