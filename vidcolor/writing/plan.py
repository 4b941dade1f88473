"""What will be done with a film, decided before anything is written."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from vidcolor.errors import AlreadyColorError, OutputError
from vidcolor.files import beside
from vidcolor.reading.captions import has_captions
from vidcolor.reading.part import settle_part
from vidcolor.reading.pixels import log2_subsampling, word_bits
from vidcolor.reading.sequence import ImageSequence, describe_held
from vidcolor.reading.source import Source, open_source, probe
from vidcolor.reading.survey import survey
from vidcolor.reading.telecine import is_telecined
from vidcolor.reading.tint import is_color
from vidcolor.settings import OutputSettings, Settings
from vidcolor.writing.encoder_options import encoder_options, with_rate
from vidcolor.writing.encoding import (
    CONTAINER_BY_SUFFIX,
    Encoding,
    choose_encoder,
    default_path,
    made_word,
    tag_picture,
    wanted_container,
)
from vidcolor.writing.frame_side_data import CAPTION_ENCODERS
from vidcolor.writing.memory_need import refuse_large_frames
from vidcolor.writing.mixed_frames import (
    notes_on_changes,
    piece_of,
    refuse_other_sizes,
    with_field_order,
)
from vidcolor.writing.mxf import MXF, notes_on_mxf, refuse_times, settle_mxf
from vidcolor.writing.passthrough import (
    holds_stream,
    name_stream,
    other_streams,
    rewritten_samples,
)
from vidcolor.writing.picture_marks import lost_marks, with_marks
from vidcolor.writing.pixel_formats import ChosenFormat, choose_pixel_format, lossless_remedy
from vidcolor.writing.scenarist import SUFFIX as SCENARIST_SUFFIX
from vidcolor.writing.sequence_encoding import (
    is_wanted_in_pictures,
    notes_on_pictures,
    plan_pictures,
)
from vidcolor.writing.subtitles import MOV_TEXT, text_codec
from vidcolor.writing.timecodes import timecode_of
from vidcolor.writing.times import fit_times
from vidcolor.writing.video_stream import holds_codec, refuse_frame_rate, says_full_range

FALLBACK_CODECS = ("libx264", "ffv1")
"""Encoders to fall back on if one refuses frames of a film's size; FFV1 takes them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One film that is about to be colorized.

    Attributes:
        source: What it is.
        encoding: How it will be written.
        settings: With what, the part of the film in seconds.
    """

    source: Source
    encoding: Encoding
    settings: Settings = field(default_factory=Settings)

    def with_note(self, note: str) -> "Job":
        """The job with a note to the user before its others."""
        notes = (note, *self.encoding.notes)
        return replace(self, encoding=replace(self.encoding, notes=notes))

    def shift_seconds(self, settings: Settings) -> Fraction:
        """The film's time at which the output begins; 0 for a whole film, which keeps its times.

        So does the first part of a split one: what comes before its first frame is kept.
        """
        is_split = settings.output.on_change == "split"
        if not settings.start_seconds and (is_split or settings.duration_seconds is None):
            return Fraction(0)
        return settings.start_seconds + self.source.first_pts * self.source.time_base

    def end_seconds(self, settings: Settings) -> Fraction | None:
        """The output's time at which it ends; None for the film's own end."""
        if settings.duration_seconds is None:
            return None
        first = self.source.first_pts * self.source.time_base
        end = settings.start_seconds + first + settings.duration_seconds
        return end - self.shift_seconds(settings)


def plan_video(
    source: Path,
    output: Path | None,
    settings: Settings,
    *,
    folder: Path | None = None,
    whole_name: bool = False,
) -> Job:
    """Look at a film and decide how it will be written, without writing anything.

    Args:
        source: The film.
        output: The colorized film; None for `film.colorized.*`.
        settings: All settings.
        folder: Where an unnamed output goes, made later if missing; None for beside the source.
        whole_name: Keep the source's suffix in an unnamed output's name, as another source has its
            stem.

    Raises:
        SourceError: The film cannot be used, or is in color already.
        OutputError: The film cannot be written as asked.
    """
    found = survey(probe(source, settings.input, memory_limit=settings.memory_limit))
    piece = settle_part(settings, found)
    found = piece_of(found, piece.start_seconds, piece.duration_seconds)
    refuse_other_sizes(found)
    settings = replace(settings, output=settle_mxf(settings.output, output, found))
    found = with_field_order(found, choose_encoder(found, settings.output))
    encoding = plan_encoding(
        found,
        settings.output,
        output=output,
        folder=folder,
        part=settings.part_label(),
        whole_name=whole_name,
    )
    if not settings.force and is_color(found):
        raise AlreadyColorError(
            f"{source}: is in color already; --force keeps its luma and replaces its colors"
        )
    if found.sequence is not None:
        encoding = replace(
            encoding, notes=(*_notes_on_scans(found.sequence, settings), *encoding.notes)
        )
        if held := describe_held(found.sequence):
            encoding = replace(encoding, notes=(*encoding.notes, held))
    if found.has_mended_tags:
        note = "tags are not UTF-8: read as Windows-1252"
        encoding = replace(encoding, notes=(*encoding.notes, note))
    if found.picture.is_interlaced and is_telecined(found):
        note = "is telecined film; its fields are kept as they are"
        encoding = replace(encoding, notes=(*encoding.notes, note))
    is_part = bool(piece.start_seconds) or piece.duration_seconds is not None
    refuse_times(found, encoding, is_part=is_part)
    found = fit_times(found, encoding)
    reads_chroma = found.has_chroma and not settings.force
    found = replace(found, reads_chroma=reads_chroma)
    refuse_large_frames(found, encoding, settings.memory_limit)
    job = Job(source=found, encoding=encoding, settings=settle_part(settings, found))
    notes = (*encoding.notes, *found.clock.notes, *notes_on_changes(found, encoding))
    notes += tuple(notes_on_mxf(found, encoding))
    notes += tuple(_notes_on_words(job)) if encoding.names is None else ()
    return replace(job, encoding=replace(encoding, notes=notes))


def _notes_on_words(job: Job) -> Iterator[str]:
    """What the user should know of timecode and chapters."""
    source, container = job.source, job.encoding.container
    note = timecode_of(source, container, job.shift_seconds(job.settings)).note
    if note:
        yield note
    if source.words.chapters and container != "matroska":
        yield f"{container} has one row of chapters with one name each: inner ones are left out"


def _notes_on_scans(sequence: ImageSequence, settings: Settings) -> Iterator[str]:
    """What the user should know of how images are read."""
    if sequence.rate_is_stated:
        yield f"{float(sequence.frame_rate):.6g} frames/s by its images' headers (or --fps)"
    yield from sequence.form.notes
    if sequence.form.transfer and not settings.color.log_to_lightness:
        yield (
            f"its header says that codes are {sequence.form.transfer}: kept; if they are, "
            "--log-to-lightness shows the network their light"
        )


def plan_encoding(
    source: Source,
    settings: OutputSettings,
    *,
    output: Path | None = None,
    folder: Path | None = None,
    part: str = "",
    whole_name: bool = False,
) -> Encoding:
    """Decide how `source` is written; where its container cannot hold all of it, Matroska is.

    Args:
        source: The film.
        settings: What the user asked for.
        output: The output file, if named.
        folder: Where the output goes if it is not named; None for beside the source.
        part: Which part of the film it is, for a name that is made up; empty for all of it.
        whole_name: Keep the source's suffix in that name.

    Raises:
        OutputError: No container, encoder or pixel format does what is asked.
    """
    made = made_word(settings, part)
    if is_wanted_in_pictures(output, settings):
        encoding = plan_pictures(source, settings, output, folder, made=made, whole_name=whole_name)
        with open_source(source) as opened:
            others = [name_stream(stream) for stream in other_streams(opened, source)]
        encoding = replace(encoding, notes=notes_on_pictures(source, others))
        return _with_captions(encoding, source)
    codec, (pixel_format, fmt, note) = choose_codec(source, settings)
    log2_width, log2_height = log2_subsampling(fmt)
    container = wanted_container(source, output, settings)
    encoding = Encoding(
        path=output
        or default_path(source.title, container, folder, made=made, whole_name=whole_name),
        container=container,
        codec=codec,
        pixel_format=pixel_format,
        picture=replace(
            tag_picture(source.picture, settings),
            log2_chroma_width=log2_width,
            log2_chroma_height=log2_height,
        ),
        luma_shift=word_bits(fmt) - source.picture.depth,
        options=_all_options(codec, pixel_format, source, settings),
        chroma_only=settings.chroma_only,
        notes=(note,) if note else (),
    )
    refuse_frame_rate(encoding, source)
    encoding = _with_fitting_container(encoding, source, output)
    heard_or_seen = [name for name in encoding.left_out if name.startswith(("audio", "video"))]
    if heard_or_seen and not settings.drop_streams:
        raise OutputError(
            f"{source.path}: {encoding.container} cannot hold {', '.join(heard_or_seen)}; "
            "name another container with -o, or add --drop-streams to leave that out"
        )
    if source.picture.full_range and not says_full_range(encoding, source):
        raise OutputError(
            f"{source.path}: {encoding.codec} in {encoding.container} cannot signal full range, "
            "so players would show wrong light; use --codec dnxhd, libx264 or ffv1, or --for master"
        )
    lost = lost_marks(encoding.codec, encoding.container, source.marks, source.words.window)
    if lost:
        place = f"{encoding.codec} in {encoding.container}"
        note = f"{place} cannot store {', '.join(lost)}: left out"
        encoding = replace(encoding, notes=(*encoding.notes, note))
    return _with_captions(encoding, source)


def _all_options(
    codec: str, pixel_format: str, source: Source, settings: OutputSettings
) -> dict[str, str]:
    """What the encoder is told: by settings and picture, and what is to be said in its stream."""
    options = encoder_options(codec, pixel_format, source.picture, settings)
    return with_marks(codec, with_rate(codec, options, source.constant_rate), source.marks)


def _with_captions(encoding: Encoding, source: Source) -> Encoding:
    """`encoding`, with the place that the source's closed captions go to."""
    if encoding.chroma_only or not has_captions(source):
        return encoding
    if encoding.codec not in CAPTION_ENCODERS:
        name = beside(encoding.path, SCENARIST_SUFFIX).name
        note = (
            f"{encoding.codec} cannot carry closed captions: writing EIA-608 field 1 "
            f"beside the film, {name}; others are left out"
        )
        return replace(encoding, captions="beside", notes=(*encoding.notes, note))
    options = encoding.options | ({"a53cc": "1"} if encoding.codec == "libx265" else {})
    return replace(encoding, captions="inside", options=options)


def choose_codec(source: Source, settings: OutputSettings) -> tuple[str, ChosenFormat]:
    """The encoder and its pixel format; where nothing is asked for, one that takes the pictures.

    Raises:
        OutputError: What is asked for cannot be done.
    """
    codec = choose_encoder(source, settings)
    asked = (settings.codec, settings.purpose, settings.pixel_format, settings.chroma)
    try:
        return codec, choose_pixel_format(codec, source.picture, settings)
    except OutputError as error:
        if any(asked):
            raise OutputError(f"{source.path}: {error}") from error
        fault = str(error).partition("; ")[0]
    for other in FALLBACK_CODECS:
        with suppress(OutputError):
            chosen = choose_pixel_format(other, source.picture, settings)
            return other, chosen._replace(note=f"{fault}: writing {other}")
    raise OutputError(f"{source.path}: {fault}; {lossless_remedy(source.picture)}")


def _with_fitting_container(encoding: Encoding, source: Source, output: Path | None) -> Encoding:
    """`encoding`, moved to Matroska if its container lacks something that Matroska holds."""
    notes = list(encoding.notes)
    container = encoding.container
    suffix = source.path.suffix
    is_moved = source.sequence is None and CONTAINER_BY_SUFFIX.get(suffix.lower(), MXF) == MXF
    if output is None and container == "matroska" and is_moved:
        notes.append(f"players do not expect {encoding.codec} in {suffix}: writing Matroska")
    unheld = _unheld_streams(source, {container, "matroska"}, is_copied=not encoding.chroma_only)
    reason = ", ".join(sorted(unheld[container] - unheld["matroska"]))
    if not reason and not holds_codec(encoding, source):
        reason = f"{encoding.codec} video"
    if reason and container != "matroska":
        path = encoding.path.with_suffix(".mkv")
        notes.append(f"{container} cannot hold {reason}: writing Matroska, {path.name}")
        encoding = replace(encoding, container="matroska", path=path)
    elif reason:
        raise OutputError(f"{encoding.path}: Matroska cannot hold {reason}; choose another --codec")
    if not encoding.chroma_only:
        notes += _rewritten(source, encoding.container)
    lacking = tuple(sorted(unheld[encoding.container]))
    if lacking:
        notes.append(f"{encoding.container} cannot hold {', '.join(lacking)}: left out")
    return replace(encoding, notes=tuple(notes), left_out=lacking)


def _unheld_streams(
    source: Source, containers: set[str], *, is_copied: bool
) -> dict[str, set[str]]:
    """For each container, the streams to be copied that it cannot hold, by name."""
    with open_source(source) as opened:
        others = other_streams(opened, source) if is_copied else []
        return {
            container: {
                name_stream(stream)
                for stream in others
                if not holds_stream(container, stream, source.container)
            }
            for container in containers
        }


def _rewritten(source: Source, container: str) -> list[str]:
    """What the user should know of streams that another codec keeps."""
    notes = []
    looks = "bold, italic and underline are kept, colors and positions left out"
    with open_source(source) as opened:
        for stream in other_streams(opened, source):
            codec = rewritten_samples(container, stream)
            if text_codec(container, stream) == MOV_TEXT:
                notes.append(f"{container} holds {name_stream(stream)} as {MOV_TEXT}: {looks}")
            elif codec is not None:
                notes.append(f"{container} holds {name_stream(stream)} as {codec}: same samples")
    return notes
