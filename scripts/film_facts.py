"""What the ffprobe, ffmpeg and mediainfo programs say of a film: nothing here is our own word."""

import json
import shutil
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RGB_PREFIXES = ("gbr", "rgb", "bgr", "argb", "abgr")
HD_LINES = 720
# Decoders that patch up damage do it alike from run to run by one thread alone.
READ = ("-v", "quiet", "-threads", "1")
TEXT_CODECS = ("mov_text", "subrip")


def output_of(*command: str) -> str:
    """What `command` writes to stdout."""
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def version_of(program: str) -> str:
    """The version that `ffmpeg` or `mediainfo` states of itself."""
    if program == "mediainfo":
        return output_of(program, "--Version").split(" - v")[-1].strip()
    return output_of(program, "-version").split()[2]


class Film:
    """A film as other programs see it; each is asked when its word is wanted, and once.

    Args:
        path: Where it lies.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def told(self) -> dict[str, Any]:
        """What ffprobe says of the file, its streams, chapters, packets and decoded frames."""
        shown = ["-show_format", "-show_streams", "-show_chapters", "-show_data_hash", "md5"]
        entries = "packet=stream_index,pts_time,size:frame=stream_index,best_effort_timestamp_time,"
        entries += "interlaced_frame,top_field_first"
        command = ["ffprobe", *READ, *shown, "-show_packets", "-show_frames", "-show_entries"]
        told = output_of(*command, entries, "-of", "json", str(self.path))
        answer: dict[str, Any] = json.loads(told)
        return answer

    @cached_property
    def video(self) -> dict[str, Any]:
        """What ffprobe says of the first video stream that is no cover picture."""
        streams = self.told["streams"]
        return next(
            one
            for one in streams
            if one["codec_type"] == "video" and not one["disposition"]["attached_pic"]
        )

    @property
    def is_rgb(self) -> bool:
        """Whether the film's frames are RGB, hence without a luma of their own."""
        return bool(self.video["pix_fmt"].startswith(RGB_PREFIXES))

    @cached_property
    def frames(self) -> list[dict[str, Any]]:
        """Each decoded frame's time and fields, as ffprobe shows them."""
        index = self.video["index"]
        return [one for one in self._seen("frame") if one["stream_index"] == index]

    @property
    def frame_seconds(self) -> list[float]:
        """When each frame is shown; nan where FFmpeg does not know."""
        return [float(frame.get("best_effort_timestamp_time", "nan")) for frame in self.frames]

    @cached_property
    def luma_hashes(self) -> list[str]:
        """The MD5 of each decoded frame's luma plane."""
        told = output_of("ffmpeg", *READ, "-noautorotate", "-i", str(self.path),
                         "-map", "0:V:0", "-vf", "extractplanes=y", "-fps_mode", "passthrough",
                         "-f", "framemd5", "-")  # fmt: skip
        lines = [line for line in told.splitlines() if not line.startswith("#")]
        return [line.split(",")[-1].strip() for line in lines]

    def luma_codes(self, filters: str = "") -> NDArray[np.int32]:
        """All luma codes after FFmpeg's `filters`, at 16 bits."""
        command = ["ffmpeg", *READ, "-i", str(self.path), "-map", "0:V:0",
                   "-vf", f"{filters}extractplanes=y,format=gray16le", "-fps_mode", "passthrough",
                   "-f", "rawvideo", "-"]  # fmt: skip
        raw = subprocess.run(command, capture_output=True, check=True).stdout
        return np.frombuffer(raw, np.uint16).astype(np.int32)

    def streams(self, kind: str) -> list[dict[str, Any]]:
        """What ffprobe says of each stream of a kind, such as `audio`."""
        return [one for one in self.told["streams"] if one["codec_type"] == kind]

    def packet_hashes(self, kind: str) -> list[str]:
        """For each stream of a kind, the MD5 of all its packets; mov_text by the text it shows."""
        chosen: list[str] = []
        for number, stream in enumerate(self.streams(kind)):
            as_text = stream.get("codec_name") in TEXT_CODECS
            codec = "subrip" if as_text else "copy"
            chosen += ["-map", f"0:{stream['index']}", f"-c:{number}", codec]
        if not chosen:
            return []
        told = output_of("ffmpeg", "-v", "quiet", "-i", str(self.path), *chosen,
                         "-f", "streamhash", "-hash", "md5", "-")  # fmt: skip
        return [line.split("=")[-1] for line in told.split()]

    def packet_seconds(self, kind: str) -> list[list[float]]:
        """For each stream of a kind, when each packet is shown; of PCM, when the first is.

        PCM is cut into packets wherever a container likes.
        """
        streams = self.streams(kind)
        if not streams:
            return []
        uncut = {one["index"] for one in streams if one.get("codec_name", "").startswith("pcm_")}
        times: dict[int, list[float]] = {one["index"]: [] for one in streams}
        for packet in self._seen("packet"):
            if packet["stream_index"] in times and packet["size"] != "2":  # mov_text's gaps
                times[packet["stream_index"]].append(float(packet.get("pts_time", "nan")))
        return [shown[: 1 if index in uncut else None] for index, shown in times.items()]

    def _seen(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.told["packets_and_frames"] if one["type"] == kind]

    @cached_property
    def by_mediainfo(self) -> dict[str, Any]:
        """What mediainfo says of the first picture; nothing where it is not installed."""
        if shutil.which("mediainfo") is None:
            return {}
        told = json.loads(output_of("mediainfo", "--Output=JSON", str(self.path)))
        return next((one for one in told["media"]["track"] if one["@type"] == "Video"), {})


def luma_psnr(source: Film, result: Film) -> float:
    """Of the luma of two films with the same frames, in dB, as FFmpeg's psnr filter has it."""
    steps = "settb=1,setpts=N,extractplanes=y,format=gray16le"
    graph = f"[0:V:0]{steps}[one];[1:V:0]{steps}[other];[one][other]psnr"
    told = subprocess.run(
        ["ffmpeg", "-v", "info", "-threads", "1", "-noautorotate", "-i", str(source.path),
         "-threads", "1", "-noautorotate", "-i", str(result.path), "-lavfi", graph,
         "-f", "null", "-"],
        capture_output=True, check=True, text=True,
    ).stderr  # fmt: skip
    return float(told.rsplit("average:", 1)[1].split()[0])


def rgb_luma_error(source: Film, result: Film) -> float:
    """How far the luma computed from RGB is from FFmpeg's, in codes of the result's depth."""
    pixel_format = result.video["pix_fmt"]
    matrix = "bt709" if result.video["height"] >= HD_LINES else "smpte170m"
    own = f"scale=out_color_matrix={matrix}:out_range=pc:flags=accurate_rnd,format={pixel_format},"
    difference = np.abs(source.luma_codes(own) - result.luma_codes())
    depth = int("".join(filter(str.isdigit, pixel_format.removeprefix("yuv444p"))) or 8)
    return float(difference.max() / 2 ** (16 - depth))
