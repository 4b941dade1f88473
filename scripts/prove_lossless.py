"""Prove that `vidcolor --lossless` loses nothing, by FFmpeg's word and not our own.

For each file: colorize it, then compare source and result with the ffmpeg and ffprobe programs:
the luma of each frame (framemd5), frame times, and the packets of every sound and subtitle stream
(streamhash). Prints one row a file. Needs Debian's ffmpeg package or its like.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from math import isnan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Matroska keeps times in milliseconds.
TIME_ERROR_SECONDS = 0.0006
RGB_PREFIXES = ("gbr", "rgb", "bgr", "argb", "abgr")
# FFmpeg's scaler computes luma from RGB in fixed point, so at 16 bits it is off by some codes.
RGB_ERROR_CODES = 2.5
HD_LINES = 720


def output_of(*command: str) -> str:
    """What `command` writes to stdout."""
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def video_stream(path: Path) -> dict[str, str]:
    """What ffprobe says of the first video stream."""
    told = output_of("ffprobe", "-v", "quiet", "-of", "json", "-show_streams",
                     "-select_streams", "v:0", str(path))  # fmt: skip
    streams: list[dict[str, str]] = json.loads(told)["streams"]
    return streams[0]


def is_rgb(path: Path) -> bool:
    """Whether the film's frames are RGB, hence without a luma of their own."""
    return video_stream(path)["pix_fmt"].startswith(RGB_PREFIXES)


def luma_hashes(path: Path) -> list[str]:
    """The MD5 of each decoded frame's luma plane."""
    told = output_of("ffmpeg", "-v", "quiet", "-threads", "1", "-noautorotate", "-i", str(path),
                     "-map", "0:v:0", "-vf", "extractplanes=y", "-fps_mode", "passthrough",
                     "-f", "framemd5", "-")  # fmt: skip
    return [line.split(",")[-1].strip() for line in told.splitlines() if not line.startswith("#")]


def luma_codes(path: Path, filters: str) -> NDArray[np.int32]:
    """All luma codes of a film after FFmpeg's `filters`, at 16 bits."""
    command = ["ffmpeg", "-v", "quiet", "-threads", "1", "-i", str(path), "-map", "0:v:0",
               "-vf", f"{filters}extractplanes=y,format=gray16le", "-fps_mode", "passthrough",
               "-f", "rawvideo", "-"]  # fmt: skip
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint16).astype(np.int32)


def rgb_luma_error(source: Path, result: Path) -> float:
    """How far the luma computed from RGB is from FFmpeg's, in codes of the result's depth."""
    pixel_format = video_stream(result)["pix_fmt"]
    matrix = "bt709" if int(video_stream(result)["height"]) >= HD_LINES else "smpte170m"
    own = f"scale=out_color_matrix={matrix}:out_range=pc:flags=accurate_rnd,format={pixel_format},"
    difference = np.abs(luma_codes(source, own) - luma_codes(result, ""))
    depth = int("".join(filter(str.isdigit, pixel_format.removeprefix("yuv444p"))) or 8)
    return float(difference.max() / 2 ** (16 - depth))


def frame_seconds(path: Path) -> list[float]:
    """When each frame is shown; nan where FFmpeg does not know."""
    told = output_of("ffprobe", "-v", "quiet", "-threads", "1", "-select_streams", "v:0",
                     "-show_entries", "frame=best_effort_timestamp_time", "-of", "json",
                     str(path))  # fmt: skip
    frames = json.loads(told)["frames"]
    return [float(frame.get("best_effort_timestamp_time", "nan")) for frame in frames]


def packet_hashes(path: Path, kind: str) -> list[str]:
    """For each stream of a kind, the MD5 of all its packets; mov_text by the text that it shows."""
    told = output_of("ffprobe", "-v", "quiet", "-select_streams", kind, "-show_entries",
                     "stream=index,codec_name", "-of", "json", str(path))  # fmt: skip
    hashes = []
    for stream in json.loads(told)["streams"]:
        as_text = stream["codec_name"] in {"mov_text", "subrip"}
        how = ["-c", "subrip" if as_text else "copy", "-f", "streamhash", "-hash", "md5", "-"]
        line = output_of("ffmpeg", "-v", "quiet", "-i", str(path),
                         "-map", f"0:{stream['index']}", *how)  # fmt: skip
        hashes.append(line.strip().split("=")[-1])
    return hashes


def compare(source: Path, result: Path) -> list[str]:
    """What differs between a source and its colorized copy, a phrase each; empty if nothing."""
    problems = []
    if is_rgb(source):
        error = rgb_luma_error(source, result)
        if error > RGB_ERROR_CODES:
            problems.append(f"luma of RGB is {error:.2f} codes from FFmpeg's")
    else:
        wanted, found = luma_hashes(source), luma_hashes(result)
        if len(wanted) != len(found):
            problems.append(f"{len(found)} frames instead of {len(wanted)}")
        differing = sum(one != other for one, other in zip(wanted, found, strict=False))
        if differing:
            problems.append(f"luma differs in {differing} of {len(wanted)} frames")
    times = zip(frame_seconds(source), frame_seconds(result), strict=False)
    differences = (abs(one - other) for one, other in times)
    latest = max((d for d in differences if not isnan(d)), default=0.0)
    if latest > TIME_ERROR_SECONDS:
        problems.append(f"times differ by up to {latest:.4f} s")
    for kind, name in (("a", "sound"), ("s", "subtitles")):
        if packet_hashes(source, kind) != packet_hashes(result, kind):
            problems.append(f"{name} packets differ")
    return problems


def prove(source: Path, folder: Path) -> str:
    """Colorize `source` into `folder`; `pass`, or why not."""
    result = folder / f"{source.stem}.mkv"
    run = subprocess.run(
        [sys.executable, "-m", "vidcolor", str(source), "-o", str(result),
         "--lossless", "--force", "--overwrite", "-q"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    if run.returncode:
        return f"refused: {run.stderr.strip().splitlines()[-1]}"
    problems = compare(source, result)
    frames = len(luma_hashes(result))
    return f"pass ({frames} frames)" if not problems else "; ".join(problems)


def main() -> None:
    """Print a table of files and verdicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for source in arguments.files:
            print(f"| {source.name} | {prove(source, Path(folder))} |", flush=True)


if __name__ == "__main__":
    main()
