"""What a file in a folder is: a film by its name or its content, or something else."""

from pathlib import Path

from vidcolor.errors import VidcolorError
from vidcolor.files import PHOTO_SUFFIXES
from vidcolor.reading.sequence_names import PICTURE_SUFFIXES
from vidcolor.reading.source import main_video_stream, open_container

SOURCE_SUFFIXES = {
    *(".3gp", ".asf", ".avi", ".dif", ".divx", ".dv", ".flv", ".gxf", ".ivf", ".m2t", ".m2ts"),
    *(".m2v", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv"),
    *(".qt", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
}
"""Of files in a folder that are films without a look inside; a named file always is."""

COMPANION_SUFFIXES = {
    *("", ".7z", ".aac", ".ac3", ".aif", ".aiff", ".ass", ".bup", ".c2pa", ".cfg", ".csv", ".db"),
    *(".doc", ".docx", ".dts", ".edl", ".flac", ".framemd5", ".gz", ".htm", ".html", ".idx"),
    *(".ifo", ".ini", ".json", ".jsonl", ".log", ".m4a", ".md", ".md5", ".mka", ".mks", ".mp3"),
    *(".nfo", ".ogg", ".opus", ".pdf", ".py", ".rtf", ".scc", ".sfv", ".sh", ".sha1", ".sha256"),
    *(".sha512", ".smi", ".sqlite", ".sqlite-shm", ".sqlite-wal", ".srt", ".ssa", ".stl", ".sub"),
    *(".sup", ".tar", ".toml", ".tsv", ".ttml"),
    *(".txt", ".url", ".vtt", ".wav", ".wma", ".xls", ".xlsx", ".xml", ".yaml", ".yml", ".zip"),
}
"""Of files that lie beside films: sound, subtitles, texts. They are neither opened nor named."""

STILL_SUFFIXES = {*PICTURE_SUFFIXES, *PHOTO_SUFFIXES, ".gif", ".ico", ".psd", ".svg", ".tga"}
"""Of pictures that are no film alone; nobody looks inside."""

_STILL_FORMATS = {"apng", "gif", "ico", "image2", "tty"}
_STILL_ENDINGS = ("_pipe", "_anim")


def is_film_name(path: Path) -> bool:
    """Whether a file is taken for a film by its name."""
    return path.suffix.lower() in SOURCE_SUFFIXES


def is_told_of(path: Path) -> bool:
    """Whether a file that is no film is named as passed over."""
    return path.suffix.lower() not in COMPANION_SUFFIXES


def holds_film(path: Path) -> bool:
    """Whether a file of any other name holds moving pictures, by its content.

    Playlists are not followed out of their folder.
    """
    if path.suffix.lower() in COMPANION_SUFFIXES | STILL_SUFFIXES:
        return False
    try:
        with open_container(path) as opened:
            kinds = set(opened.format.name.split(","))
            is_still = any(kind.endswith(_STILL_ENDINGS) for kind in kinds)
            if is_still or kinds & _STILL_FORMATS:
                return False
            stream = main_video_stream(opened, path)
            return stream.codec_context.width > 0
    except (VidcolorError, OSError, ValueError):
        return False
