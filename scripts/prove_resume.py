"""Prove that a batch of films that is killed again and again ends as one that is not.

The batch is colorized once without a break. Then it is begun anew and killed by SIGKILL at random
moments, each time started again by the same command; at last two runs share it from its beginning.
Films must be byte-equal and nothing else may be left beside them. Prints what was found as JSON.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

BESIDE = {".json", ".sqlite"}
"""Suffixes of what lies beside the films: sidecars and the ledger."""


def command_for(films: Sequence[str], folder: Path, options: Sequence[str]) -> list[str]:
    """The command that colorizes the batch into `folder`."""
    return [sys.executable, "-m", "vidcolor", *films, "-o", str(folder), "-q", *options]


def run_killed(command: Sequence[str], kills: int, longest: float, seed: int) -> list[float]:
    """Run a command until it ends by itself, killed `kills` times before; when it was, in seconds.

    A run that ends by itself earlier than it should be killed ends all.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    lives = []
    for _ in range(kills):
        life = chance.uniform(0.5, longest)
        with subprocess.Popen(command) as running:
            try:
                running.wait(timeout=life)
            except subprocess.TimeoutExpired:
                running.kill()
                lives.append(round(life, 2))
                continue
        break
    subprocess.run(command, check=True)
    return lives


def compare(folder: Path, expected: Path) -> dict[str, object]:
    """Whether two folders hold the same films, and what else is in the first."""
    films = {
        place: {
            path.name: path.read_bytes() for path in place.iterdir() if path.suffix not in BESIDE
        }
        for place in (folder, expected)
    }
    names = sorted(path.name for path in expected.iterdir())
    return {
        "films": len(films[folder]),
        "equal": films[folder] == films[expected],
        "left_over": sorted({path.name for path in folder.iterdir()} - set(names)),
    }


def main() -> int:
    """Run the proof; the exit code is 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", nargs="+")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--longest", type=float, default=15.0, help="seconds a run may live")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--option", action="append", default=[], help="one for vidcolor, such as -r"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, part) for part in ("unbroken", "killed", "shared")]
        unbroken, killed, shared = (
            command_for(arguments.films, folder, arguments.option) for folder in folders
        )
        began = time.perf_counter()
        subprocess.run(unbroken, check=True)
        seconds = time.perf_counter() - began
        lives = run_killed(killed, arguments.kills, arguments.longest, arguments.seed)
        two = [subprocess.Popen(shared) for _ in range(2)]
        codes = [one.wait() for one in two]
        told = {
            "unbroken_seconds": round(seconds, 1),
            "kills": len(lives),
            "killed_after_seconds": lives,
            "killed": compare(folders[1], folders[0]),
            "shared_exit_codes": codes,
            "shared": compare(folders[2], folders[0]),
        }
    print(json.dumps(told, indent=1))
    found = [told["killed"], told["shared"]]
    return int(not all(one["equal"] and not one["left_over"] for one in found))  # type: ignore[index]


if __name__ == "__main__":
    sys.exit(main())
