from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from access import hard_to_see, overflow_at, without_name
from review_session import SECONDS

from vidcolor.review.store import Store
from vidcolor.review.trials import PRACTICE


class Visitor:
    """A person at a browser."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver = driver
        driver.get("about:blank")
        driver.get(address)

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script)

    def wait(self, script: str) -> None:
        """Until a script returns something true."""
        for _ in range(400):
            if self.run(f"return {script}"):
                return
            sleep(0.02)
        pytest.fail(f"never: {script}")

    def press(self, key: str) -> None:
        """A key."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver, duration=10).send_keys(key).perform()

    def click(self, name: str) -> None:
        """A button."""
        self.driver.find_element("id", name).click()

    def begin(self) -> None:
        """Start the test."""
        self.wait("document.getElementById('begin') && !document.getElementById('begin').disabled")
        self.click("begin")

    def await_question(self, number: int) -> None:
        """Until the pictures of a trial have been shown and the answer is asked for."""
        self.wait(
            f"document.getElementById('count').textContent.includes('{number} of') && "
            "!document.getElementById('first').disabled"
        )


@pytest.fixture
def visitor(driver: Any, serve: Callable[..., str]) -> Visitor:
    """At the page of a test of six pairs."""
    return Visitor(driver, serve())


def test_a_session_by_keys(visitor: Visitor, tmp_path: Path) -> None:
    """Every answer is stored; pictures are gone when the answer is asked for, after their time."""
    visitor.begin()
    for number in range(1, PRACTICE + 7):
        visitor.await_question(number)
        assert visitor.run("return document.querySelectorAll('#stage img').length") == 0
        shown = float(visitor.run("return document.getElementById('stage').dataset.shown"))
        assert 1000 * SECONDS - 20 <= shown < 1000 * SECONDS + 600
        visitor.press("\ue012" if number % 2 else "\ue014")  # left, right
    visitor.wait("!document.getElementById('end').hidden")
    with Store(tmp_path / "answers") as store:
        answers = store.answers()
    assert [answer.said for answer in answers] == ["left", "right"] * 3


def test_pictures_are_seen_for_their_time(visitor: Visitor) -> None:
    """Both are painted at once, real and colorized, and no answer is taken meanwhile."""
    visitor.begin()
    visitor.wait("document.querySelector('#stage.shown')")
    colors = visitor.run(
        "return [...document.querySelectorAll('#stage img')].map(image => {"
        " const c = document.createElement('canvas').getContext('2d');"
        " c.drawImage(image, 0, 0); return [...c.getImageData(20, 20, 1, 1).data]; })"
    )
    assert sorted(red > green for red, green, *_ in colors) == [False, True]
    visitor.press("\ue012")
    assert "Practice, 1 of" in visitor.run("return document.getElementById('count').textContent")
    visitor.await_question(1)
    assert hard_to_see(visitor.driver) == []
    assert without_name(visitor.driver) == []
    assert overflow_at(visitor.driver, 390, 844) <= 0


def test_pointer_practice_and_reload(visitor: Visitor, tmp_path: Path) -> None:
    """Practice tells right from wrong; a reload goes on after what was seen, as the same person."""
    visitor.begin()
    visitor.await_question(1)
    visitor.click("first")
    visitor.wait("document.getElementById('verdict').textContent")
    verdict = visitor.run("return document.getElementById('verdict').textContent")
    assert verdict in {"Right.", "No, the other way round."}
    visitor.await_question(2)
    visitor.driver.refresh()
    visitor.begin()
    visitor.await_question(3)
    visitor.click("second")
    visitor.await_question(4)
    with Store(tmp_path / "answers") as store:
        rows = store._database.execute("SELECT participant, number, said FROM trials").fetchall()
    assert len({row[0] for row in rows}) == 1
    assert [row[2] for row in rows] == ["left", None, "right", None]
