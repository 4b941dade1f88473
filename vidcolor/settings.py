"""Every default and range of the program, one frozen dataclass a stage. Standard library only.

The command line reads defaults, ranges and choices from these fields: none is written twice.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple

from vidcolor.errors import SettingError
from vidcolor.rules import Between, Checked
from vidcolor.spans import Moment, Part


class Rectangle(NamedTuple):
    """A part of a picture, in percent of its width and height."""

    left: float
    top: float
    width: float
    height: float

    def slices(self, rows: int, columns: int) -> tuple[slice, slice]:
        """Its rows and columns in a picture of that size; at least one of each."""
        top, left = int(rows * self.top / 100), int(columns * self.left / 100)
        bottom = max(top + 1, round(rows * (self.top + self.height) / 100))
        right = max(left + 1, round(columns * (self.left + self.width) / 100))
        return slice(top, bottom), slice(left, right)


class Swatch(NamedTuple):
    """A part of the film that has the colors of a part of the reference."""

    film: Rectangle
    reference: Rectangle


def parse_swatch(text: str) -> Swatch:
    """Two rectangles such as `10,20,30,30=50,40,20,20`: left, top, width and height in percent.

    Raises:
        ValueError: It is something else; the text says so.
    """
    film, _, reference = text.partition("=")
    return Swatch(_parse_rectangle(film, text), _parse_rectangle(reference, text))


def _parse_rectangle(part: str, text: str) -> Rectangle:
    try:
        left, top, width, height = (float(number) for number in part.split(","))
    except ValueError:
        raise ValueError(
            f"{text!r} is not a swatch; write FILM=REFERENCE, each LEFT,TOP,WIDTH,HEIGHT in percent"
        ) from None
    inside = min(left, top) >= 0 and max(left + width, top + height) <= 100  # noqa: PLR2004
    if not (inside and width > 0 and height > 0):
        raise ValueError(f"{text!r}: {part} lies outside the picture, which is 100 by 100 percent")
    return Rectangle(left, top, width, height)


RENDER_SIZE = 256
"""Short side, in pixels, of the picture that a network of ours sees."""

TransferMethod = Literal["welsh", "global"]
RefineMethod = Literal["none", "flood", "scribble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings(Checked):
    """Which network runs, where, and on how large a picture.

    Attributes:
        name: A name from the model table, a path to a safetensors file, NAME=PATH for a released
            file that was fetched elsewhere, or two of them joined by + to be merged.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; auto takes the fastest one present.
        render_size: Short side, in pixels, of the picture that the network sees; None for the
            model's own size, which is `RENDER_SIZE` for our nets.
        batch_size: Frames inferred at once; halved by the program when memory runs out.
        reference: A color picture whose colors are taken over, in place of a network; None for a
            network.
        transfer: How colors of the reference are matched: `welsh` by lightness and texture,
            `global` by lightness alone.
        swatches: Parts of the film and of the reference that belong together.
        merge: Share of the second of two merged models' colors, in [0, 1].
        mirror: Run a network that gives colors, not histograms, on the mirror image as well: the
            mean of both is used, and their difference shows how sure it is.
    """

    name: str = "lite"
    device: str = "auto"
    render_size: Annotated[int, Between(64, 2048)] | None = None
    batch_size: Annotated[int, Between(1, 1024)] = 8
    reference: str | None = None
    transfer: TransferMethod = "welsh"
    swatches: tuple[Swatch, ...] = ()
    merge: Annotated[float, Between(0, 1)] = 0.5
    mirror: bool = False


class NamedModel(NamedTuple):
    """A model that a color script names in place of the film's, found but not loaded.

    Attributes:
        settings: Those that it is loaded by.
        sha256: Of its weights.
        render_size: Short side of the picture that suits it.
        has_histograms: Whether it gives histograms, and not colors at once.
    """

    settings: ModelSettings
    sha256: str
    render_size: int
    has_histograms: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorSettings(Checked):
    """How a color histogram becomes one color.

    Attributes:
        vividness: 0 takes likely colors, 1 favors rare, saturated ones as much as training did
            (Zhang et al. 2016), more favors them further and errs more.
        saturation: Factor on the decoded ab; 0 leaves the film black and white, 1 is how strong the
            model's author meant colors to be.
        decode: `annealed` is what the model's author meant; for study also the `mean` of a
            histogram, its `mode`, and a `sample` of it.
        seed: Of the sample.
        upsample: How the small map of colors becomes as large as the film: `guided` by the edges of
            its lightness, or a smooth `spline` that knows none.
        tint: What to do about a tint or tone that a shot has in the source: `remove` colorizes as
            if there were none, `keep` leaves such shots as they are, `mix` lays the tint over
            weaker colors.
        negative: Whether the film is a negative: the network is shown its positive, and the luma
            stays as it is.
        log_to_lightness: Whether the film's codes are logarithmic (printing density, Cineon): the
            network is shown their light, and the luma stays as it is.
    """

    vividness: Annotated[float, Between(0, 3)] = 0.0
    saturation: Annotated[float, Between(0, 3)] = 1.0
    decode: Literal["annealed", "mean", "mode", "sample"] = "annealed"
    seed: Annotated[int, Between(0, 1_000_000)] = 0
    upsample: Literal["guided", "spline"] = "guided"
    tint: Literal["remove", "keep", "mix"] = "remove"
    negative: bool = False
    log_to_lightness: bool = False


STYLES = {
    "natural": ColorSettings(),
    "muted": ColorSettings(saturation=0.65),
    # Of 60 photographs 0.06 % of the pixels glare by 30; as strong by saturation 1.2, 0.3 %.
    "vivid": ColorSettings(vividness=0.5),
}
"""Looks by their names; none of them glows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalSettings(Checked):
    """How color holds still inside a shot.

    Attributes:
        smoothing: 0 colors each frame on its own; towards 1 a color lasts longer. The weight of
            the smoothed past when the network runs again, for what did not change.
        motion: Whether the past follows motion.
        every: The network runs on every Nth frame of a shot, and on its last; with `auto`, on as
            few as motion needs to explain those between. Without smoothing it runs on all.
    """

    smoothing: Annotated[float, Between(0, 0.999)] = 0.92
    motion: bool = True
    every: Annotated[int, Between(1, 100)] | Literal["auto"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefineSettings(Checked):
    """How a shot's colors are refined after smoothing; off by default.

    Attributes:
        method: `none`; `flood`, for animation and line art, gives each region of nearly one
            lightness a single color; `scribble` spreads the colors of the surest points.
        threshold: For `flood`, how far lightness of [0, 100] may differ from that of a region's
            seed; more gives fewer, larger regions.
    """

    method: RefineMethod = "none"
    threshold: Annotated[float, Between(0.5, 50)] = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings(Checked):
    """How a film is read.

    Attributes:
        fps: Frames per second of an image sequence; None for what its DPX header states.
        gaps: What to do about missing images: `fail` refuses the film, `hold` repeats the previous
            image, so that the later ones keep their time, `none` takes the images in their order
            and knows of no missing ones.
        dpx_order: The end of a DPX image's words that holds the first 10-bit luma sample; with
            `auto` the one with which rows are smoother.
        hwaccel: FFmpeg's name of the hardware that decodes, such as `cuda`; None for software.
        accept_losses: Colorize what the disk gives back of a film that cannot be read to its end.
        follow_playlists: Let a playlist name files outside of its own folder.
        timecode: Of the first frame, where the film states none.
    """

    fps: Fraction | None = None
    gaps: Literal["fail", "hold", "none"] = "fail"
    dpx_order: Literal["auto", "low", "high"] = "auto"
    hwaccel: Literal["cuda", "qsv", "vaapi", "videotoolbox", "d3d11va"] | None = None
    accept_losses: bool = False
    follow_playlists: bool = False
    timecode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings(Checked):
    """How the result is encoded. None means: what suits the source.

    Attributes:
        purpose: `access` H.264 in MP4, `master` FFV1 in Matroska, `edit` ProRes in QuickTime,
            `web` H.264 of 8 bits, or AV1 if the film has more, in MP4, which browsers show. Other
            fields that are set override it.
        lossless: FFV1 version 3 with slice checksums, in Matroska.
        codec: Encoder's name in FFmpeg, such as libx264, libx265, ffv1 or prores_ks.
        crf: Constant rate factor of encoders that have one; lower is better and larger.
        preset: Speed preset of encoders that have one.
        pixel_format: FFmpeg's name of a planar Y'CbCr format at least as deep as the source.
        chroma: Chroma subsampling, `420`, `422` or `444`.
        chroma_only: Write color only, on flat gray and without sound, for compositing over the
            original.
        compare: Leave the left half of the picture black and white, to compare it with the right.
        on_change: What to do if a film's frames change in size, shape or color tags: `note` writes
            one film and names what it cannot keep, `split` writes a film for each kind of frames,
            and a list that joins them.
        drop_streams: Leave out sound and pictures that the container cannot hold; a film with such
            streams is refused otherwise.
        overwrite: Replace an output that exists.
        verify: Read the result back and compare it with its source before it gets its name.
        report: Write an HTML page with pictures of each shot, and a CSV, next to the film.
        framemd5: Verify, and write the MD5 of each frame's luma, of source and result.
        c2pa_certificate: PEM file of the certificate chain that signs the result's content
            credentials; None for no credentials.
        c2pa_key: PEM file of its private key.
    """

    purpose: Literal["access", "master", "edit", "web"] | None = None
    lossless: bool = False
    codec: str | None = None
    crf: Annotated[float, Between(0, 63)] | None = None
    preset: str | None = None
    pixel_format: str | None = None
    chroma: Literal["420", "422", "444"] | None = None
    chroma_only: bool = False
    compare: bool = False
    on_change: Literal["note", "split"] = "note"
    drop_streams: bool = False
    overwrite: bool = False
    verify: bool = False
    report: bool = False
    framemd5: bool = False
    c2pa_certificate: str | None = None
    c2pa_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings(Checked):
    """How many machines share the work. No field changes a film's bytes.

    Attributes:
        address: Address of a running Ray cluster, `auto` for this machine's; None for that of
            RAY_ADDRESS, or a cluster of this machine alone.
        segments: Path or fsspec URL of a folder that all machines see, for finished shots on their
            way to the film; None for the output's folder.
        cpus: CPU cores reserved for each task.
        gpus: GPUs reserved for each task, or a part of one; None for one if the device is CUDA.
    """

    address: str | None = None
    segments: str | None = None
    cpus: Annotated[int, Between(1, 256)] = 1
    gpus: Annotated[float, Between(0, 16)] | None = None


KEPT_COLORS = 1_000_000_000
"""Bytes of decoded colors that are kept: about twelve minutes of film; none of a longer film."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Checked):
    """All settings of one run.

    Attributes:
        start_seconds: Where in the film to begin, counted from its first frame.
        duration_seconds: How much of it to colorize; None for all.
        part: The same in frames or timecode of a film, as well; in each film it is looked up, and
            becomes the two before.
        force: Colorize a film that is in color already: its luma is kept, its chroma replaced.
        memory_limit: Bytes of memory to make do with; None for all of the machine's. No film's
            bytes depend on it.
        color_script: A TOML file that directs the colors of one film, or a folder of such files,
            one `<film's stem>.colors.toml` each; None for none.
        keep_colors: Bytes of the user's cache for decoded colors of films, so that later runs with
            other saturation, casts or hues need no network; 0 for none, None for `KEPT_COLORS`, and
            only of films with a color script. No film's bytes depend on it.
    """

    input: InputSettings = field(default_factory=InputSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    color: ColorSettings = field(default_factory=ColorSettings)
    temporal: TemporalSettings = field(default_factory=TemporalSettings)
    refine: RefineSettings = field(default_factory=RefineSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    start_seconds: Fraction = Fraction(0)
    duration_seconds: Fraction | None = None
    part: Part = field(default_factory=Part)
    force: bool = False
    memory_limit: int | None = None
    color_script: str | None = None
    keep_colors: int | None = None

    def __post_init__(self) -> None:
        Checked.__post_init__(self)
        length = self.duration_seconds
        if self.start_seconds < 0:
            raise SettingError(f"start_seconds: {self.start_seconds} is negative; choose 0 or more")
        if length is not None and length <= 0:
            raise SettingError(f"duration_seconds: {length} is not a length; choose more than 0")

    def part_label(self) -> str:
        """What the name of a film's part says of it; empty for a whole film."""
        if self.part != Part():
            return self.part.label()
        start, length = self.start_seconds, self.duration_seconds
        return Part(
            start=Moment(text=f"{float(start):.9g}") if start else None,
            duration=None if length is None else Moment(text=f"{float(length):.9g}"),
        ).label()
