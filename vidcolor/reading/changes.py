"""Where a film's frames become others: their size, shape, tags, and which field comes first."""

from __future__ import annotations  # PyAV's generic Packet is so in its stubs only

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple, cast

import av
from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vidcolor.frame import FrameFormat
from vidcolor.reading.frame_format import format_of

HEADED_CODECS = {"h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "vc1", "av1"}
"""Whose headers FFmpeg's filter `extract_extradata` finds in the packets."""

STARTED_BY_CODES = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
"""Filters that give packets the form that this filter reads."""

FIELD_CODECS = {"h264", "mpeg2video"}
"""Whose parsers say of each picture which of its fields comes first."""

PROGRESSIVE, TOP_FIRST, BOTTOM_FIRST = 1, 2, 3
"""Of AVFieldOrder, as parsers have it."""

PICTURE_EXTENSION = b"\0\0\1\xb5"
"""Start code of MPEG-2's extensions (ITU-T H.262, 6.2.3.1)."""

DV_AAUX_BYTES, DV_PACK = 80 * 5 + 48 + 5, 0x61
"""Where DV's VAUX source control pack lies in a frame, and its header (IEC 61834-4)."""

NAMES = {
    "sample_aspect_ratio": "pixel aspect",
    "matrix": "matrix",
    "primaries": "primaries",
    "transfer": "transfer",
}


class Fields(NamedTuple):
    """How many pictures of a film are of which kind.

    Attributes:
        progressive: Not woven of fields, or nobody says.
        top_first: Woven, the top field is shown first.
        bottom_first: The other way round.
        repeated: Of which a field is shown a second time, as in 3:2 pulldown.
    """

    progressive: int = 0
    top_first: int = 0
    bottom_first: int = 0
    repeated: int = 0

    @property
    def is_woven(self) -> bool:
        """Whether there are woven ones."""
        return bool(self.top_first or self.bottom_first)

    @property
    def is_mixed(self) -> bool:
        """Whether there are several kinds."""
        return sum(map(bool, self[:3])) > 1


NO_FIELDS = Fields()
"""Of a film of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A place in a film from which on its frames are others.

    Attributes:
        frame: Number of the first such frame.
        pts: Its time, in units of the film's time base.
        seconds: The same, after the film's first frame.
        before: What the frames before have in common.
        after: What it and those after it have in common.
        pixel_format: FFmpeg's name of the format that the decoder gives from there on.
        was_format: The same before.
    """

    frame: int
    pts: int
    seconds: Fraction
    before: FrameFormat
    after: FrameFormat
    pixel_format: str
    was_format: str

    @property
    def is_of_size(self) -> bool:
        """Whether no film in one file can hold both kinds of frames."""
        return _layout(self.before) != _layout(self.after)

    def colored(self, picture: FrameFormat) -> FrameFormat:
        """`picture` with the color tags that hold from here on."""
        after = self.after
        return replace(
            picture,
            full_range=after.full_range,
            matrix=after.matrix,
            primaries=after.primaries,
            transfer=after.transfer,
        )

    def tagged(self, picture: FrameFormat) -> FrameFormat:
        """The same, with the shape of pixels that holds from here on."""
        shape = self.after.sample_aspect_ratio
        return replace(self.colored(picture), sample_aspect_ratio=shape)

    def __str__(self) -> str:
        return f"frame {self.frame} ({float(self.seconds):.3f} s) changes {self.differences}"

    @property
    def differences(self) -> str:
        """What changes, from what to what."""
        return ", ".join(_differences(self))


def _layout(picture: FrameFormat) -> tuple[int, ...]:
    """What of a frame's samples no two frames of a stream may differ in."""
    size = (picture.width, picture.height, picture.depth)
    return (*size, picture.log2_chroma_width, picture.log2_chroma_height)


def _differences(change: Change) -> Iterator[str]:
    before, after = change.before, change.after
    if change.is_of_size:
        sizes = [f"{one.width}x{one.height}" for one in (before, after)]
        yield f"from {sizes[0]} {change.was_format} to {sizes[1]} {change.pixel_format}"
    if before.full_range != after.full_range:
        words = ["full" if one.full_range else "limited" for one in (before, after)]
        yield f"from {words[0]} to {words[1]} range"
    for name, word in NAMES.items():
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            shown = [
                f"{one.numerator}:{one.denominator}" if isinstance(one, Fraction) else int(one)
                for one in (was, now)
            ]
            yield f"{word} from {shown[0]} to {shown[1]}"


class _Seen(NamedTuple):
    """The first packet behind a header that is another one than before."""

    number: int
    pts: int
    picture: FrameFormat
    pixel_format: str


class ChangeFinder:
    """Takes in the packets of a film's picture, and finds what changes without decoding them.

    The filter finds headers, and where one is another than the one before, the picture behind it is
    decoded: so FFmpeg alone says what a header means.

    Args:
        stream: The picture.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._codec = stream.codec_context.name
        self._aspect = stream.sample_aspect_ratio
        self._order = int(stream.codec_context.field_order)
        self._extradata = stream.codec_context.extradata
        self._filters = []
        self._parser: VideoCodecContext | None = None
        if self._codec in HEADED_CODECS:
            names = filter(None, [STARTED_BY_CODES.get(self._codec), "extract_extradata"])
            self._filters = [BitStreamFilterContext(name, stream) for name in names]
        if self._codec in FIELD_CODECS:
            self._parser = cast(VideoCodecContext, av.CodecContext.create(self._codec, "r"))
        self._header: bytes | None = None
        self._seen: list[_Seen] = []
        self._orders: Counter[int] = Counter()
        self._repeated = 0
        self._count = 0

    def add(self, packet: Packet[Stream]) -> None:
        """Take in the next packet, which is empty afterwards."""
        number, self._count = self._count, self._count + 1
        pts = packet.pts if packet.pts is not None else packet.dts
        if self._seen and pts is not None and pts < self._seen[-1].pts:
            # Frames that are decoded after the first of a kind are of that kind.
            self._seen[-1] = self._seen[-1]._replace(pts=pts)
        data = bytes(packet)
        header = _dv_header(data) if self._codec == "dvvideo" else None
        try:
            packets = [packet] if self._filters else []
            for one in self._filters:
                packets = [made for given in packets for made in one.filter(given)]
        except av.FFmpegError:  # damage is told when the film is read
            return
        for made in packets:
            data = bytes(made)
            found = [one for one in made.iter_sidedata() if one.data_type == "new_extradata"]
            header = bytes(found[0]) if found else header
        self._parse(data)
        if header is not None and header != self._header and pts is not None:
            self._header = header
            self._look(data, number, pts)

    def _parse(self, data: bytes) -> None:
        if self._parser is None:
            return
        if self._codec == "mpeg2video":
            self._repeated += _repeats_field(data)
        try:
            self._parser.parse(data)
        except av.FFmpegError:
            return
        self._take_order()

    def _take_order(self) -> None:
        """Count the order that the parser has found, if it has found one since the last one."""
        if self._parser is not None and self._parser.field_order:
            self._orders[int(self._parser.field_order)] += 1
            self._parser.field_order = 0

    def _look(self, data: bytes, number: int, pts: int) -> None:
        """Decode the first picture behind a new header."""
        decoder = cast(VideoCodecContext, av.CodecContext.create(self._codec, "r"))
        if not self._filters:
            decoder.extradata = self._extradata
        try:
            frames = [*decoder.decode(Packet(data)), *decoder.decode(None)]
        except av.FFmpegError:
            return
        if frames:
            frame: VideoFrame = frames[0]
            picture = format_of(frame, decoder, decoder.sample_aspect_ratio or self._aspect)
            self._seen.append(_Seen(number, pts, picture, frame.format.name))

    def fields(self) -> Fields:
        """Which kinds of pictures there were; to be asked at the end."""
        if self._parser is not None:
            self._parser.parse(None)
            self._take_order()
        return Fields(
            progressive=self._orders[PROGRESSIVE],
            top_first=self._orders[TOP_FIRST],
            bottom_first=self._orders[BOTTOM_FIRST],
            repeated=self._repeated,
        )

    def changes(
        self, start: int, unit: Fraction, shift: Callable[[int], Fraction]
    ) -> tuple[Change, ...]:
        """Where frames became others.

        Args:
            start: Time of the film's first frame, mended, in its unit.
            unit: In seconds.
            shift: Gives the seconds that are added to the time of a packet, by its number.
        """
        found = []
        for before, after in pairwise(self._seen):
            pts = after.pts + round(shift(after.number) / unit)
            change = Change(
                frame=after.number,
                pts=pts,
                seconds=(pts - start) * unit,
                before=before.picture,
                after=after.picture,
                pixel_format=after.pixel_format,
                was_format=before.pixel_format,
            )
            if change.differences:
                found.append(change)
        return tuple(found)


def _dv_header(data: bytes) -> bytes:
    """What of a DV frame says its system, and its shape where it says one."""
    pack = data[DV_AAUX_BYTES : DV_AAUX_BYTES + 3]
    shape = pack[2] & 7 if len(pack) == 3 and pack[0] == DV_PACK else 0  # noqa: PLR2004
    return bytes([data[3] >> 7 if len(data) > 3 else 0, shape])  # noqa: PLR2004


def _repeats_field(data: bytes) -> bool:
    """Whether an MPEG-2 picture's extension has repeat_first_field (ITU-T H.262, 6.2.3.1)."""
    place = data.find(PICTURE_EXTENSION)
    while place >= 0:
        start = place + len(PICTURE_EXTENSION)
        if len(data) > start + 4 and data[start] >> 4 == 8:  # noqa: PLR2004 - picture coding
            return bool(data[start + 3] & 2)
        place = data.find(PICTURE_EXTENSION, start)
    return False
