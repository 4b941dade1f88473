"""What `--completion` prints, read by a real shell."""

import shutil
import subprocess
from pathlib import Path

import pytest

from vidcolor.cli.main import main


def completed(script: str, folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    line = f'{script}\nCOMP_WORDS=(vidcolor "$@"); COMP_CWORD=$#; _shtab_vidcolor'
    line += '; printf "%s\\n" "${COMPREPLY[@]}"'
    told = subprocess.run(
        ["bash", "-c", line, "bash", *words], cwd=folder, capture_output=True, check=True, text=True
    )
    return sorted(told.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_options_their_words_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folders alone where an option wants one."""
    (tmp_path / "reels").mkdir()
    (tmp_path / "reel.mkv").touch()
    assert main(["--completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert completed(script, tmp_path, "--overw") == ["--overwrite"]
    assert completed(script, tmp_path, "--for", "a") == ["access"]
    assert completed(script, tmp_path, "ree") == ["reel.mkv", "reels"]
    assert completed(script, tmp_path, "--status", "ree") == ["reels"]


@pytest.mark.quick
@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh", "powershell"])
def test_other_shells_are_told_of_every_option(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those for study as well."""
    assert main(["--completion", shell]) == 0
    script = capsys.readouterr().out
    assert "overwrite" in script
    assert "dump-top-k" in script
