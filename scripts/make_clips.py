"""Cut the sample reel that ships with the tests, without re-encoding.

The reel is Edison's "Coaches Arriving at Mammoth Hot Springs" of 4 January 1899, in the public
domain by its age. Needs the ffmpeg program.
"""

import argparse
from pathlib import Path

import ffmpeg

SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "coaches_1899.mpg"
START_SECONDS, LENGTH_SECONDS = 2, 4


def main() -> None:
    """Write the sample reel from a longer copy of the film."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", type=Path, help="an MPEG-1 copy of the film")
    film = ffmpeg.input(str(parser.parse_args().film), ss=START_SECONDS, t=LENGTH_SECONDS)
    film.output(str(SAMPLE), c="copy", fflags="+bitexact").run(overwrite_output=True, quiet=True)
    print(f"{SAMPLE}: {SAMPLE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
