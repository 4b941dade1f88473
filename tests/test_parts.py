from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from clips import soft_shot, write_film
from killing import stop_at
from probed import frame_format

from vidcolor import colorize_video
from vidcolor.film.checkpoint import Checkpoint
from vidcolor.film.provenance import versions
from vidcolor.film.source_digest import digest_source
from vidcolor.frame import Colored, Frame, FrameFormat, Numbered
from vidcolor.models.zoo import find_model
from vidcolor.pipeline import parts
from vidcolor.pipeline.parts import batch_size, part_frames, read_state, write_state
from vidcolor.pipeline.run import Past, colorize_shots
from vidcolor.report.sidecar import read_sidecar
from vidcolor.settings import (
    ColorSettings,
    ModelSettings,
    OutputSettings,
    RefineSettings,
    Settings,
    TemporalSettings,
)
from vidcolor.shot import CardState, Shot, ShotState, SourceColor
from vidcolor.temporal.keyframes import MOST_APART_IF_SLOW
from vidcolor.temporal.memory import ShotMemory
from vidcolor.writing.plan import plan_video

SETTINGS = Settings(
    model=ModelSettings(device="cpu", render_size=64), output=OutputSettings(codec="libx264")
)
PART = 8
SHORT_PART = 4
CARD_FRAMES = 4
FIGURES = ("mean_a", "mean_b", "colorfulness", "confidence", "flicker", "peaks")


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few frames."""
    monkeypatch.setattr(parts, "MOST_FRAMES", PART)
    monkeypatch.setattr(parts, "LEAST_FRAMES", PART)


def picture_of(width: int, height: int) -> FrameFormat:
    """Frames of this size."""
    return frame_format(width, height, (1, 1))


def numbered(shot: Shot) -> list[Numbered]:
    """A shot that begins with a blank card, after which color must come up by and by."""
    luma = [np.full((64, 96), 90, np.uint8)] * CARD_FRAMES + soft_shot(3, 27 - CARD_FRAMES)
    chroma = (np.full((32, 48), 120, np.uint8), np.full((32, 48), 140, np.uint8))
    picture = picture_of(96, 64)
    return [
        Numbered(Frame(i, one, i, 1, Fraction(1, 25), picture, chroma=chroma), shot, None)
        for i, one in enumerate(luma)
    ]


def colored(frames: list[Numbered], settings: Settings, state: ShotState | None) -> list[Colored]:
    """The frames in color, after those that led to a state."""
    past = Past(frames[0].frame.index, ShotMemory(24), state)
    return list(colorize_shots(iter(frames), past, find_model(settings.model), settings))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"temporal": TemporalSettings(every=3)},
        {"temporal": TemporalSettings(smoothing=0)},
        {"refine": RefineSettings(method="flood")},
        {"refine": RefineSettings(method="scribble")},
        {"color": ColorSettings(tint="keep")},
    ],
    ids=lambda changes: "-".join(changes) or "default",
)
def test_no_color_depends_on_where_a_part_ends(changes: dict) -> None:
    """From the end of each part on the frames get bit for bit what they get in one go."""
    settings = replace(SETTINGS, **changes)
    is_kept = settings.color.tint == "keep"
    source = SourceColor(is_color=False, is_tinted=True, cb=-8, cr=12) if is_kept else None
    frames = numbered(Shot(0, None, color=source))
    whole = colored(frames, settings, None)
    ends = [i for i, one in enumerate(whole) if one.state is not None]
    assert ends == [7, 15, 23]
    for end, following in pairwise(ends):
        data = write_state(whole[end].state)
        again = colored(frames[end + 1 :], settings, read_state(data))
        for one, other in zip(again, whole[end + 1 :], strict=True):
            np.testing.assert_array_equal(one.ab, other.ab)
            np.testing.assert_array_equal(one.chroma.cb, other.chroma.cb)
            np.testing.assert_array_equal(one.chroma.cr, other.chroma.cr)
            assert one.confidence == other.confidence
        later = again[following - end - 1].state
        assert write_state(later) == write_state(whole[following].state)


def test_a_state_is_kept_bit_for_bit() -> None:
    """In whatever precision a network predicts, and also where hardly anything is known."""
    rng = np.random.default_rng(2)
    state = ShotState(
        map=torch.from_numpy(rng.random((2, 3, 4), np.float32)),
        weight=rng.random((3, 4), np.float32),
        lightness=rng.random((12, 16), np.float32),
        gain=(1 / 3, 1e-9),
        cards=CardState(1 / 3, 4, was_card=True),
        refined={"gain": np.array(0.1), "seeds": rng.random((3, 4)) > 0.5},
        shown=(rng.random((2, 3, 4), np.float32), rng.random((3, 4), np.float32)),
    )
    for one in (state, ShotState(), state._replace(map=state.map.half(), shown=None)):
        found = read_state(write_state(one))
        told, expected = (
            str(state._replace(refined=sorted(state.refined.items()))) for state in (found, one)
        )
        assert told == expected
        assert write_state(found) == write_state(one)
        assert (found.gain, found.cards) == (one.gain, one.cards)
        assert found.map is None or found.map.dtype == one.map.dtype


@pytest.mark.parametrize(
    ("width", "height", "frames"),
    [(720, 576, 240), (1280, 720, 240), (1920, 1080, 212), (3840, 2160, 53), (7680, 4320, 24)],
)
def test_larger_pictures_have_shorter_parts(
    width: int, height: int, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that each takes a minute at most, as a rule; those of networks slow here are short."""
    monkeypatch.undo()
    model = find_model(SETTINGS.model)
    assert part_frames(picture_of(width, height), model) == frames
    slow = replace(model, gmac=75)
    assert part_frames(picture_of(width, height), slow) == MOST_APART_IF_SLOW
    on_gpu = replace(slow, device=torch.device("cuda"))
    assert part_frames(picture_of(width, height), on_gpu) == frames


@pytest.mark.quick
@pytest.mark.parametrize(
    ("width", "height", "most", "keyframes"),
    [(640, 480, 8, 8), (1920, 1080, 8, 8), (3840, 2160, 8, 2), (3840, 2160, 1, 1)],
)
def test_the_network_is_asked_about_fewer_large_frames(
    width: int, height: int, most: int, keyframes: int
) -> None:
    """Those between keyframes wait in memory meanwhile; what a user sets is never exceeded."""
    assert batch_size(picture_of(width, height), most) == keyframes


def test_machines_hand_on_the_parts_of_a_shot(tmp_path: Path) -> None:
    """Each part colored by itself, by what the one before it gave, is as in one go."""
    pytest.importorskip("fsspec")
    from vidcolor.cluster.store import Store
    from vidcolor.cluster.tasks import ClusterJob, Ended, Models, color_shots, find_shots

    frames = [*soft_shot(1, 2 * PART), *soft_shot(2, PART + 3)]
    film = write_film(tmp_path / "film.mkv", frames)
    settings = replace(SETTINGS, output=OutputSettings(lossless=True))
    whole = colorize_video(film, tmp_path / "whole.mkv", settings)
    job = plan_video(film, tmp_path / "out.mkv", settings)
    store = Store(str(tmp_path / "store"))
    store.open()
    order = ClusterJob(
        job=job,
        settings=settings,
        digest=digest_source(job.source.files),
        store=store.url,
        versions=versions(),
        part_frames=PART,
    )
    model = find_model(SETTINGS.model)
    *pieces, _ = find_shots(order)
    assert [piece.frames for piece in pieces] == [8, 8, 8, 3]
    ended = Ended({})
    with Checkpoint(job.encoding.path, {}) as checkpoint:
        for together in (pieces[:1], pieces[1:3], pieces[3:]):
            name, ended = color_shots(order, Models(model), together, ended)
            store.take(name, tmp_path / "taken")
            checkpoint.adopt(tmp_path / "taken")
        assert checkpoint.frames_done == whole.frames
        with av.open(str(whole.path)) as container:
            expected = [bytes(packet) for packet in container.demux(video=0) if packet.size]
        assert [packet.data for packet in checkpoint.packets()] == expected


@pytest.fixture
def _shorter_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As short as those of `film`."""
    monkeypatch.setattr(parts, "MOST_FRAMES", SHORT_PART)
    monkeypatch.setattr(parts, "LEAST_FRAMES", SHORT_PART)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of two shots, the first of them just two short parts long."""
    frames = [*soft_shot(1, 2 * SHORT_PART), *soft_shot(2, 2 * SHORT_PART + 3)]
    return write_film(tmp_path_factory.mktemp("source") / "film.mkv", frames)


@pytest.mark.usefixtures("_shorter_parts")
@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("out.mp4", {"codec": "libx264"}),
        ("out.mkv", {"lossless": True}),
        ("out.mkv", {"codec": "mpeg4"}),
        pytest.param("out.mkv", {"codec": "mpeg2video"}, marks=pytest.mark.slow),
        pytest.param("out.mov", {"codec": "prores_ks"}, marks=pytest.mark.slow),
        pytest.param("out.mkv", {"codec": "libx265", "preset": "fast"}, marks=pytest.mark.slow),
        pytest.param("out.mkv", {"codec": "libsvtav1"}, marks=pytest.mark.slow),
        pytest.param("out.mkv", {"chroma_only": True}, marks=pytest.mark.slow),
        ("out/%04d.png", {}),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else value,
)
def test_a_film_stopped_in_the_middle_of_a_shot_goes_on_there(
    film: Path,
    tmp_path: Path,
    name: str,
    output: dict,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Stopped again and again it gets the bytes, and the figures, of a film made in one go."""
    settings = replace(SETTINGS, output=OutputSettings(**output))
    folders = tmp_path / "stopped", tmp_path / "unbroken"
    for folder in folders:
        folder.mkdir()
    stopped, unbroken = (folder / name for folder in folders)
    colorize_video(film, unbroken, settings)
    caplog.set_level("INFO", "vidcolor")
    for frame in (5, 14):
        stop_at(frame, film, stopped, settings)
    result = colorize_video(film, stopped, settings)
    assert result.shots == 2
    assert caplog.messages == [
        f"{film}: kept up to frame 4 (0:00:00)",
        f"{film}: resuming at shot 1, frame 4",
        f"{film}: kept up to frame 12 (0:00:00)",
        f"{film}: resuming at shot 2, frame 12",
    ]
    made = [
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".json"
        }
        for folder in folders
    ]
    assert made[0] == made[1]
    told, expected = (
        [
            {name: shot[name] for name in FIGURES}
            for shot in read_sidecar(next(folder.glob("*.json")))["shots"]
        ]
        for folder in folders
    )
    assert told == expected
