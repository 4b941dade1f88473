import gc
import os

# Before torch is loaded: its threads would spin while they wait for one that has no core, which is
# four fifths of the time of tests of training on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import shutil
from collections.abc import Iterator
from typing import Any

import forking
import pytest
from lite_once import once

from vidcolor.film import kept_colors
from vidcolor.models import zoo


@pytest.fixture(autouse=True)
def own_colors(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Colors that a test keeps are neither the user's nor another test's."""
    folder = tmp_path_factory.getbasetemp() / "colors" / f"{abs(hash(request.node.nodeid)):x}"
    monkeypatch.setattr(kept_colors, "colors_folder", lambda: folder)


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser without a window."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    browser, helper = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or helper is None:
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    profile = tmp_path_factory.mktemp("profile")
    quiet = ("background-networking", "component-update", "default-apps", "extensions", "sync")
    for argument in (
        *("headless=new", "no-sandbox", "disable-gpu", "window-size=1600,1000", "no-first-run"),
        *(f"disable-{service}" for service in quiet),
    ):
        options.add_argument(f"--{argument}")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(helper))
    yield driver
    driver.quit()


pytest_plugins = ["cli_runs", "dumped", "review_session", "signed", "studio_session"]
"""Modules of this folder whose fixtures several files share."""

QUICK = """
rates selection timeline quality lab ycbcr bins rgb siting sidecar cuts strength sparing metrics
reported lightness shots temporal motion threads planes upsample decode views cards predict lite
refine flood scribble returns weights zoo plot gate script_file color_script hints
""".split()  # noqa: SIM905 - so that it stays a few lines
"""Files of pure functions, values and parsing: what `pytest -m quick` runs of them in a minute."""

NOT_QUICK = {
    "test_a_card_in_a_film_is_written_without_color",
    "test_a_full_disk_is_told_and_leaves_nothing",
    "test_a_path_loads_as_a_name_does",
    "test_an_unknown_name_lists_the_known_ones",
    "test_cuts_of_real_films",
    "test_half_precision_changes_no_color_that_could_be_seen",
    "test_loading_takes_less_than_a_second",
    "test_no_set_up_comes_back_in_clips_that_have_none",
    "test_scenes_are_no_cards",
    "test_the_default_model_is_ready",
}
"""Tests in these files that start a process, open a film or load weights."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is quick."""
    files = {f"test_{name}.py" for name in QUICK}
    for item in items:
        is_slow = any(item.get_closest_marker(name) for name in ("slow", "gpu"))
        name = item.name.partition("[")[0]
        if item.path.name in files and name not in NOT_QUICK and not is_slow:
            item.add_marker("quick")


@pytest.fixture(scope="session", autouse=True)
def _lite_is_loaded_once() -> Iterator[None]:
    """Films of all tests are colorized by one net; tests of loading call `load_model` itself."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(zoo, "load_model", once(zoo.load_model))
        yield


@pytest.fixture(scope="module", autouse=True)
def _memory_is_settled() -> None:
    """Collections, one after each shot, do not look at all libraries; the program does the same."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_process_outlives_the_tests() -> Iterator[None]:
    yield
    forking.stop_server()


@pytest.fixture(autouse=True)
def _quick_stays_quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick test starts no process, opens no film and loads no weights."""
    if request.node.get_closest_marker("quick") is None:
        return

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a quick test starts no process, opens no film and loads no weights")

    for place in (
        "subprocess.Popen",
        "av.open",
        "vidcolor.models.zoo.read_checkpoint",
        "vidcolor.models.zoo.load_model",
    ):
        monkeypatch.setattr(place, refuse)
