"""Show what comes through of films of many formats, by the word of other programs than our own.

Each film is colorized, with `--lossless` and as the program does by itself, and source and result
are compared by what ffprobe, mediainfo and ffmpeg's framemd5 and streamhash say of them. Prints
Markdown. Needs Debian's ffmpeg and mediainfo packages or their like.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from compare_films import ASPECTS, Cell, compare
from film_facts import Film, version_of

import vidcolor

WAYS = {"`--lossless`": ["--lossless"], "by default": []}
# The network's picture is small, which colors alone depend on.
COMMON = ["--force", "--overwrite", "--render-size", "64", "--device", "cpu"]

HEAD = """\
# What comes through of films of many formats

Made by `python scripts/formats_table.py FOLDER --output docs/formats.md` with vidcolor {version},
FFmpeg {ffmpeg} and MediaInfo {mediainfo}. Every cell is what these other programs say of source and
result. `made-` films were made for their traits, `real-` ones were found.

[Side data](side_data.md) lists captions, stereo marks, light levels and every kind of stream.

- `kept`: the result has what the source has; `-`: the source has none.
- `exact`: each frame's luma has the same checksum; else its PSNR, for a codec with losses.
- `tagged`: the result says what the source leaves open; players need not guess.
- `in picture`: only the codec's own headers have it; the film is encoded again without them.
- **bold**: not as in the source, for the reason in the note.
"""


class Notes:
    """Footnotes; a sentence about several films has one number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, sentences: Iterable[str]) -> str:
        """The marks of sentences, such as `[^1][^4]`."""
        return "".join(
            f"[^{self._numbers.setdefault(one, len(self._numbers) + 1)}]" for one in sentences
        )

    def lines(self) -> list[str]:
        """The sentences."""
        return [f"[^{number}]: {sentence}" for sentence, number in self._numbers.items()]


def colorize(source: Path, folder: Path, options: list[str]) -> tuple[Path | None, list[str]]:
    """Run the program; the film that it wrote, if any, and what it printed, without paths."""
    run = subprocess.run(
        [sys.executable, "-m", "vidcolor", str(source), "-o", f"{folder}/", *COMMON, *options],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    printed = [
        line.removeprefix("vidcolor: ").removeprefix(f"{source}: ").replace(f"{folder}/", "")
        for line in run.stderr.splitlines()
        if line.startswith("vidcolor: ")
    ]
    if run.returncode:
        return None, printed or run.stderr.splitlines()[-1:]
    made = (path for path in folder.glob("*.colorized.*") if path.suffix != ".json")
    return next(made), [f"The program says: {line}." for line in printed]


def table_rows(
    films: list[Path], options: list[str], notes: Notes, refused: dict[str, str]
) -> Iterator[str]:
    """Colorize films and yield a row for each; those without a picture go to `refused`."""
    for source in films:
        with tempfile.TemporaryDirectory() as folder:
            result, printed = colorize(source, Path(folder), options)
            if result is None:
                refused[source.name] = printed[-1]
                continue
            film, made = Film(source), Film(result)
            cells = compare(film, made)
            written = Cell(f"{made.video['codec_name']}, {result.suffix[1:]}")
            named = Cell(source.name.replace("|", "\\|"), tuple(printed))
            row = [named, written, *(cells[aspect] for aspect in ASPECTS)]
        yield "| " + " | ".join(cell.text + notes.mark(cell.notes) for cell in row) + " |"


def page(films: list[Path]) -> Iterator[str]:
    """Yield the lines of the page, tables first and footnotes last."""
    notes, refused = Notes(), dict[str, str]()
    yield from HEAD.format(
        version=vidcolor.__version__, ffmpeg=version_of("ffmpeg"), mediainfo=version_of("mediainfo")
    ).splitlines()
    for way, options in WAYS.items():
        yield from ["", f"## Written {way}", ""]
        yield "| film | result | " + " | ".join(ASPECTS) + " |"
        yield "|---" * (2 + len(ASPECTS)) + "|"
        yield from table_rows(films, options, notes, refused)
    yield from ["", "## Files without a picture, and what the program says", ""]
    yield from (f"- {name}: {line}" for name, line in refused.items())
    yield from ["", *notes.lines()]


def films_of(paths: list[Path]) -> list[Path]:
    """The files named, and those that lie in the folders named."""
    files = []
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        files += [one for one in inside if one.is_file()]
    return files


def main() -> None:
    """Print the page, and write it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", nargs="+", type=Path, help="files, or folders of files")
    parser.add_argument("--output", type=Path, help="write the page here, too")
    arguments = parser.parse_args()
    lines = []
    for line in page(films_of(arguments.films)):
        print(line, flush=True)
        lines.append(line)
    if arguments.output is not None:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
