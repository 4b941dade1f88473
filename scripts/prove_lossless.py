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
from pathlib import Path

# Matroska keeps times in milliseconds.
TIME_ERROR_SECONDS = 0.0006
# Luma that is computed from RGB may differ from FFmpeg's own rounding by one code.
RGB_PREFIXES = ("gbr", "rgb", "bgr", "argb", "abgr")


def output_of(*command: str) -> str:
    """What `command` writes to stdout."""
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def video_stream(path: Path) -> dict[str, str]:
    """What ffprobe says of the first video stream."""
    told = output_of("ffprobe", "-v", "quiet", "-of", "json", "-show_streams",
                     "-select_streams", "v:0", str(path))  # fmt: skip
    streams: list[dict[str, str]] = json.loads(told)["streams"]
    return streams[0]


def luma_hashes(path: Path) -> list[str]:
    """The MD5 of each decoded frame's luma plane; for RGB of its green plane."""
    pixel_format = video_stream(path)["pix_fmt"]
    plane = "extractplanes=y"
    if pixel_format.startswith(RGB_PREFIXES):
        depth = "16le" if "48" in pixel_format or "64" in pixel_format else ""
        plane = ("" if "gbrp" in pixel_format else f"format=gbrp{depth},") + "extractplanes=g"
    told = output_of("ffmpeg", "-v", "quiet", "-threads", "1", "-noautorotate", "-i", str(path),
                     "-map", "0:v:0", "-vf", plane, "-fps_mode", "passthrough",
                     "-f", "framemd5", "-")  # fmt: skip
    return [line.split(",")[-1].strip() for line in told.splitlines() if not line.startswith("#")]


def frame_seconds(path: Path) -> list[float]:
    """When each frame is shown."""
    told = output_of("ffprobe", "-v", "quiet", "-threads", "1", "-select_streams", "v:0",
                     "-show_entries", "frame=best_effort_timestamp_time", "-of", "json",
                     str(path))  # fmt: skip
    return [float(frame["best_effort_timestamp_time"]) for frame in json.loads(told)["frames"]]


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
    wanted, found = luma_hashes(source), luma_hashes(result)
    if len(wanted) != len(found):
        problems.append(f"{len(found)} frames instead of {len(wanted)}")
    differing = sum(one != other for one, other in zip(wanted, found, strict=False))
    if differing:
        problems.append(f"luma differs in {differing} of {len(wanted)} frames")
    times = zip(frame_seconds(source), frame_seconds(result), strict=False)
    latest = max((abs(one - other) for one, other in times), default=0.0)
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
