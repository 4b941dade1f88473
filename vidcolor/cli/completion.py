"""`--completion`: what a shell reads to complete the options of the program and names of files."""

import shtab

from vidcolor.cli.command_line import make_parser

FOLDERS = {"DIR"}
FILES = {"FILM", "FILE", "PATH", "TOML", "JSON", "PEM", "PICTURE"}
"""What options call their values where those are names of files, in their help."""


def print_completion(shell: str) -> int:
    """Print the script for a shell; the exit code."""
    parser = make_parser(shows_all=True)
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        if action.metavar in FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]  # where shtab looks
        elif action.metavar in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell).rstrip())  # as it is: a message would be one line
    return 0
