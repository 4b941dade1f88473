"""`--models`: all models in a table."""

from vidcolor.models.catalog import tell_models


def print_models() -> int:
    """Print all models; the exit code."""
    print(tell_models())
    return 0
