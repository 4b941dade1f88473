"""Write docs/options.md from the rows of `vidcolor.cli.options`."""

from pathlib import Path

from vidcolor.cli.options import FILM, GENERAL, GROUPS, OPTIONS, Option
from vidcolor.files import write_text

PAGE = Path(__file__).parents[1] / "docs" / "options.md"
HEAD = """# Options

<!-- Written by scripts/options_page.py from vidcolor/cli/options.py and vidcolor/settings.py. -->

`vidcolor [options] FILM ...` colorizes films, photographs, folders of films, and image sequences as
FFmpeg names them, such as `reel/%06d.dpx`. `vidcolor --help` lists those options
that are often wanted, `--help-all` all of them; `--version` prints the version.

The last column is the field of `vidcolor.Settings` (`cluster.`: of `vidcolor.ClusterSettings`) that
does the same from Python, as in `Settings(color=ColorSettings(saturation=0.8))`. A value out of
range is refused there as well, with a `SettingError`.

Options may stand in a file, by their long names: `saturation = 0.8`, `lossless = true`.
Four places count, later ones before earlier ones: the file that the environment variable
`VIDCOLOR_CONFIG` names; `vidcolor.toml` beside the first film, if it has a table `[vidcolor]`; the
file of `--settings-file`; the command line. `--show-config` prints what is in effect and where each
comes from, itself such a file. `--doctor` prints what is installed and how to get what is not.

What belongs to them: [photographs](photos.md), [previews](preview.md),
[color scripts](directing.md), [Python](python.md), [image sequences](sequences.md),
[formats](formats.md), [models](models.md), [many reels](batches.md), [delivery](delivery.md),
[many machines](cluster.md) and [inspection](inspect.md).

The program ends with 0 if all is done, 1 if a film failed, 2 if the command line is wrong, and with
128 and the signal's number if a signal stopped it: 130 for Ctrl-C.
"""


def options_page() -> str:
    """The page: a table for each group of options."""
    return "\n".join([HEAD, *(_group_text(title) for title in GROUPS)]).rstrip() + "\n"


def _group_text(title: str) -> str:
    rows = [option for option in OPTIONS if option.group == title and option.name != FILM]
    lines = [
        f"## {'General' if title == GENERAL else title.capitalize()}",
        "",
        "| option | what it does | values | default | from Python |",
        "| --- | --- | --- | --- | --- |",
        *map(_row, rows),
        "",
    ]
    return "\n".join(lines)


def _row(option: Option) -> str:
    names = [option.short, option.name] if option.short else [option.name]
    written = " ".join(filter(None, [", ".join(names), option.metavar]))
    cells = (
        f"`{written}`",
        _sentence(option),
        "" if option.is_switch else ", ".join(f"`{word}`" for word in _values(option)),
        option.default_text(),
        _python_name(option),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _sentence(option: Option) -> str:
    """What an option does, what it needs and what it excludes."""
    more = [f"Needs `{name}`." for name in option.needs]
    more += [f"Not with `{name}`." for name in option.excludes]
    return " ".join([f"{option.help[0].upper()}{option.help[1:]}.", *more])


def _values(option: Option) -> list[str]:
    rule = option.rule
    return [*([str(rule.limits)] if rule.limits else []), *rule.choices]


def _python_name(option: Option) -> str:
    name = option.field.removeprefix("settings.")
    return f"`{name}`" if name != option.field or name.startswith("cluster.") else ""


if __name__ == "__main__":
    write_text(PAGE, options_page())
