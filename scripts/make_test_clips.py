"""Makes the clips of tests/data/formats, one for each trait of a film, out of the sample reel.

The reel is in the public domain (Edison, 1899), and so are they. Each has a few frames of little
size; FFmpeg's program writes them, with the same bytes for the same build of it.
"""

import argparse
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shlex import split

DATA = Path(__file__).parents[1] / "tests" / "data"
SAMPLE = DATA / "coaches_1899.mpg"
PICTURE = "scale=160:120:flags=lanczos,setsar=1,hue=s=0"
SOUND = "-f lavfi -t 0.4 -i sine=f=330:r=48000 -f lavfi -t 0.4 -i sine=f=550:r=48000"
H264 = "-an -c:v libx264 -preset veryslow -crf 30 -threads 1"
FFV1 = "-an -c:v ffv1 -level 3 -slicecrc 1 -slices 4 -threads 1"
MPEG2 = "-c:v mpeg2video -b:v 900k -threads 1"
WOVEN = "-vf {},tinterlace=interleave_top,setfield=tff -flags +ildct+ilme+bitexact -top 1"
WOVEN += " -field_order tt"

MADE = {
    "letterbox.mp4": f"-vf {PICTURE},crop=160:68,pad=160:120:0:26 {H264}",
    "rotated.mp4": f"-vf {PICTURE} {H264}",  # turned when it is copied
    "telecine.mpg": "-vf scale=176:120,setsar=32/27,hue=s=0,fps=24000/1001,scroll=h=0.03,"
    "telecine=pattern=23,setfield=tff -frames:v 40 -an -c:v mpeg2video -qscale:v 2 "
    "-maxrate 20M -bufsize 4M -threads 1 -flags +ildct+ilme+bitexact -top 1 -field_order tt -f vob",
    "variable-rate.mkv": f"-vf {PICTURE},select='not(eq(mod(n\\,5)\\,2))',"
    f"settb=1/90000 -fps_mode passthrough {H264}",
    "gray-8bit.mp4": f"-vf {PICTURE},format=gray {H264}",
    "gray-10bit-ffv1.mkv": f"-vf {PICTURE},format=gray10le -frames:v 4 {FFV1}",
    "gray-16bit-ffv1.mkv": f"-vf {PICTURE},format=gray16le -frames:v 3 {FFV1}",
    "hevc-10bit.mp4": f"-vf {PICTURE},format=yuv420p10le -an -c:v libx265 -preset fast -crf 28 "
    "-x265-params log-level=error:pools=1:frame-threads=1",
    "prores-timecode-2mono.mov": f"{SOUND} -map 0:v -map 1:a -map 2:a -vf {PICTURE} "
    "-c:v prores_ks -profile:v 1 -c:a pcm_s24le -ac 1 -timecode 01:00:00:02",
    "ffv1-10bit-fields-pcm24.mkv": f"{SOUND} -map 0:v -map 1:a {WOVEN.format(PICTURE)} "
    f"-pix_fmt yuv422p10le {FFV1.replace('-an ', '')} -c:a pcm_s24le "
    "-metadata:s:v timecode=01:00:00:01",
    "mpeg2-fields-timecode-2mono.mxf": f"{SOUND} -map 0:v -map 1:a -map 2:a "
    f"{WOVEN.format(PICTURE)} -r 25 -pix_fmt yuv422p {MPEG2} -qscale:v 4 "
    "-c:a pcm_s16le -timecode 10:00:00:02",
    "dv-ntsc.dv": "-vf scale=720:480,hue=s=0,format=yuv411p -r 30000/1001 -frames:v 1 -an",
    "dv-pal-bottom-field-first.mov": "-vf scale=720:576,hue=s=0,setfield=bff,format=yuv420p "
    "-r 25 -frames:v 1 -an -c:v dvvideo -field_order bb",
    "transport-stream-late-start-ac3.ts": f"{SOUND} -map 0:v -map 1:a -vf {PICTURE} "
    f"{H264.replace('-an ', '')} -c:a ac3 -b:a 192k -output_ts_offset 7200",
    "captions.mp4": "-i {captions} -map 0:v -map 1 -vf " + f"{PICTURE} {H264} -c:s mov_text",
    "two-sounds-captions-chapters-attachment.mkv": f"{SOUND} -i {{captions}} -i {{chapters}} "
    f"-map 0:v -map 1:a -map 2:a -map 3 -map_chapters 4 -attach {{captions}} -metadata:s:t "
    f"mimetype=text/plain -vf {PICTURE} {H264.replace('-an ', '')} -c:a aac -b:a 32k "
    "-metadata:s:a:0 language=eng -metadata:s:a:1 language=ger -c:s srt",
    "sound-starts-late.mkv": f"-itsoffset 0.2 {SOUND} -map 0:v -map 1:a -vf {PICTURE} "
    f"{H264.replace('-an ', '')} -c:a flac",
    "sound-longer-than-picture.mp4": "-f lavfi -t 1.5 -i sine=f=330:r=48000 -map 0:v -map 1:a "
    f"-vf {PICTURE},trim=end=0.6 {H264.replace('-an ', '')} -c:a aac -b:a 32k",
    "sound-alone.m4a": f"{SOUND} -map 1:a -vn -c:a aac -b:a 32k",
    "full-range.mp4": f"-vf {PICTURE},scale=in_range=tv:out_range=pc,format=yuvj420p {H264}",
    "odd-size-444.mkv": f"-vf {PICTURE},crop=107:79:0:0:exact=1,format=yuv444p -frames:v 5 {FFV1}",
    "one-frame.mp4": f"-vf {PICTURE} -frames:v 1 {H264}",
    "wide-pixels.mp4": f"-vf {PICTURE},setsar=16/15 {H264}",
    "sepia.mp4": f"-vf {PICTURE},colorchannelmixer=.39:.77:.19:0:.35:.69:.17:0:.27:.53:.13:0,"
    f"format=yuv420p {H264}",
    "long-16fps.mkv": f"-vf {PICTURE} -r 16 {H264} -g 8 -t 1.5",
    "näme with spaces & (brackets).mp4": f"-vf {PICTURE} {H264}",
    "av1.mkv": f"-vf {PICTURE} -frames:v 6 -an -c:v libaom-av1 -crf 50 -cpu-used 8 -threads 1",
    "without-duration-vp9.webm": f"{SOUND} -map 0:v -map 1:a -vf {PICTURE} -c:v libvpx-vp9 "
    "-crf 45 -b:v 0 -threads 1 -c:a libopus -b:a 32k -live 1",
    "scan-16bit/scan_%07d.tif": "-vf scale=80:60,hue=s=0,format=gray16le -frames:v 4 -an",
    "scan-dpx/scan_%06d.dpx": "-vf scale=80:60,format=rgb24 -frames:v 3 -an",
}  # fmt: skip


def ffmpeg(*arguments: object) -> None:
    """Run FFmpeg's program."""
    command = ["ffmpeg", "-v", "error", "-y", "-nostdin", *map(str, arguments)]
    subprocess.run(command, check=True)


def make(folder: Path) -> None:
    """Write the clips that FFmpeg makes."""
    captions, chapters = folder / "captions.srt", folder / "chapters.txt"
    captions.write_text("1\n00:00:00,050 --> 00:00:00,300\nMammoth Hot Springs.\n")
    chapters.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=200\ntitle=Arrival\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=200\nEND=400\ntitle=Departure\n"
    )
    for name, given in MADE.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        made = [part.format(captions=captions, chapters=chapters) for part in split(given)]
        bounds = [] if "-frames:v" in made or "-t 1.5" in given else ["-t", "0.4"]
        exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact"]
        exact += [] if "-flags" in made else ["-flags:v", "+bitexact"]  # the last one counts
        ffmpeg("-i", SAMPLE, *made, *bounds, *exact, target)
    turned = folder / "turned.mp4"
    ffmpeg("-i", folder / "rotated.mp4", "-c", "copy", "-metadata:s:v", "rotate=90",
           "-fflags", "+bitexact", turned)  # fmt: skip
    turned.replace(folder / "rotated.mp4")
    captions.unlink()
    chapters.unlink()


def hurt(data: bytes, first: float, last: float, count: int = 8) -> bytes:
    """A file with some bits turned round between two shares of its length."""
    draw, changed = random.Random(1), bytearray(data)  # noqa: S311 - the same each time
    for _ in range(count):
        place = draw.randrange(int(first * len(data)), int(last * len(data)))
        changed[place] ^= 1 << draw.randrange(8)
    return bytes(changed)


def damaged(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of files that are no whole films."""
    film, ffv1 = folder / "full-range.mp4", folder / "gray-10bit-ffv1.mkv"
    yield "zero-bytes.mp4", b""
    yield "not-a-video.mp4", b"This is not a video.\n"
    yield "truncated-no-index.mp4", film.read_bytes()[: film.stat().st_size // 2]
    long = folder / "long-16fps.mkv"
    yield "truncated.mkv", long.read_bytes()[: long.stat().st_size * 6 // 10]
    yield "bit-flips-ffv1-checksums.mkv", hurt(ffv1.read_bytes(), 0.2, 0.9)
    yield "bit-flips.mp4", hurt(film.read_bytes(), 0.2, 0.6)
    prores = (folder / "prores-timecode-2mono.mov").read_bytes()
    at, size = prores.index(b"mdat") + 4, prores.index(b"moov") - 4
    yield "media-zeroed-prores.mov", prores[:at] + bytes(size - at) + prores[size:]


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path, nargs="?", default=DATA / "formats")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    make(folder)
    for name, content in damaged(folder):
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
