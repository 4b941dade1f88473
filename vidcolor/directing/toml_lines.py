"""On which line of a TOML file each table and key stands, which `tomllib` does not say."""

import re

_HEADER = re.compile(r"\s*\[{1,2}\s*([A-Za-z0-9_.-]+)\s*\]{1,2}")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[=.]""")
_TEXT = re.compile(r'"(?:\\.|[^"\\])*"' + r"|'[^']*'")
_TRIPLE = re.compile('"""' + "|'''")
_ERROR_LINE = re.compile(r"\(at line (\d+), column \d+\)")

Place = tuple[str, int, str]
"""A table's name, its number among those of that name, and a key in it or an empty text."""


def find_lines(text: str) -> dict[Place, int]:
    """The line, from 1, of each table's header and of each key outside nested values."""
    lines: dict[Place, int] = {}
    counts: dict[str, int] = {}
    table, number, depth, quoted = "", 0, 0, False
    for line, content in enumerate(text.splitlines(), 1):
        was_quoted = quoted
        quoted ^= len(_TRIPLE.findall(content)) % 2 == 1
        if was_quoted or quoted:
            continue
        plain = _TEXT.sub('""', content).partition("#")[0]
        if depth == 0 and (header := _HEADER.match(plain)):
            table = header[1]
            number = counts.get(table, -1) + 1
            counts[table] = number
            lines[table, number, ""] = line
            continue
        if depth == 0 and (key := _KEY.match(content)):
            lines.setdefault((table, number, next(filter(None, key.groups()), "")), line)
        depth += sum(map(plain.count, "[{")) - sum(map(plain.count, "]}"))
    return lines


def line_of_error(message: str, text: str) -> tuple[int, str]:
    """The line of a text that an error of `tomllib` names, and the fault without it."""
    found = _ERROR_LINE.search(message)
    if found is None:  # at the end of the document
        return max(1, len(text.splitlines())), message.replace(" (at end of document)", "")
    return int(found[1]), " ".join(message.replace(found[0], "").split())
