"""What a container says of a film that PyAV does not hand on: titles, chapters, timecode."""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from vidcolor.reading.ebml import Element


class Window(NamedTuple):
    """How much of a picture is not to be seen at each side, in samples: its clean aperture."""

    left: Fraction
    top: Fraction
    right: Fraction
    bottom: Fraction

    @property
    def is_whole(self) -> bool:
        """Whether it begins and ends with whole samples."""
        return all(side.denominator == 1 for side in self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerWords:
    """The words of one file.

    Attributes:
        title: Of the film as a whole, where tags of its parts have other ones.
        chapters: Matroska's editions, whose chapters lie in chapters and have names in several
            languages; empty where FFmpeg hands on all that they say.
        tags: Matroska's tags that are of a level, such as a part, or of a chapter.
        tag_names: What FFmpeg calls these, in lower case, when it takes them for the film's own.
        timecode: Of a track of QuickTime's that FFmpeg cannot read.
        timecode_stream: That track's number among the streams; None for none.
        window: What of the picture is to be seen; None for all of it.
    """

    title: str | None = None
    chapters: tuple[Element, ...] = ()
    tags: tuple[Element, ...] = ()
    tag_names: frozenset[str] = frozenset()
    timecode: str | None = None
    timecode_stream: int | None = None
    window: Window | None = None


NO_WORDS = ContainerWords()
