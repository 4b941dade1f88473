"""A dump's page in a browser, with a real pointer and real keys."""

import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vidcolor.color.bins import BIN_CENTERS


class Page:
    """The page; `driver` is a Selenium driver of Chromium."""

    def __init__(self, driver: Any, index: Path) -> None:
        self.driver = driver
        self.index = index

    def open(self, fragment: str = "", index: Path | None = None) -> None:
        """Load the page anew, the pointer over none of its pictures."""
        from selenium.webdriver.common.actions.action_builder import ActionBuilder

        self.driver.get("about:blank")
        corner = ActionBuilder(self.driver, duration=20)
        corner.pointer_action.move_to_location(0, 0)
        corner.perform()
        self.driver.get((index or self.index).as_uri() + fragment)

    def all(self, selector: str) -> list[Any]:
        """The elements that a CSS selector finds."""
        return self.driver.find_elements("css selector", selector)

    def text(self, selector: str) -> str:
        """What is read in the first of them."""
        return self.all(selector)[0].text

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script)

    def point(self, x: float, y: float, *, panel: int = 0, click: bool = False) -> None:
        """Move the pointer to a relative place in a panel's picture."""
        from selenium.webdriver import ActionChains

        box = self.all(".box")[panel]
        across, down = ((x - 0.5) * box.size["width"], (y - 0.5) * box.size["height"])
        chain = ActionChains(self.driver, duration=20)
        chain.move_to_element_with_offset(box, round(across), round(down))
        (chain.click() if click else chain).perform()

    def press(self, *keys: str) -> None:
        """Press keys, those before the last held down."""
        from selenium.webdriver import ActionChains

        chain = ActionChains(self.driver, duration=20)
        for key in keys[:-1]:
            chain.key_down(key)
        chain.send_keys(keys[-1])
        for key in keys[:-1]:
            chain.key_up(key)
        chain.perform()

    def await_text(self, selector: str, start: str) -> None:
        """Wait until an element's text begins like that."""
        from selenium.webdriver.support.ui import WebDriverWait

        def found(_: object) -> bool:
            return self.text(selector).startswith(start)

        told = f"{selector} begins with {start!r}"
        WebDriverWait(self.driver, 10, poll_frequency=0.02).until(found, told)

    def await_pixel(self, column: int, row: int, size: tuple[int, int]) -> None:
        """Wait until the histogram of a pixel of a map of this width and height is read."""
        width, height = size
        self.await_text("#reading", f"map pixel ({column}, {row}) of {width} \u00d7 {height}")

    def listed(self) -> list[tuple[int, str, float]]:
        """The listed bins, their centers as written and probabilities in percent."""
        rows = [row.split(" ", 1) for row in self.text("#strongest tbody").splitlines()]
        found = [(int(number), *rest.rsplit(") ", 1)) for number, rest in rows]
        return [(number, f"{ab})", float(share.rstrip(" %"))) for number, ab, share in found]

    def assert_shows(self, histogram: NDArray[np.float16]) -> None:
        """The list is that of one pixel's probabilities, (313,): bins, centers, percent, sum."""
        order = np.argsort(-histogram, kind="stable")[: len(self.listed())]
        centers = [f"({int(a)}, {int(b)})" for a, b in BIN_CENTERS[order].tolist()]
        expected = [
            (int(i), ab, pytest.approx(100 * float(histogram[i]), abs=6e-4))
            for i, ab in zip(order, centers, strict=True)
        ]
        assert self.listed() == expected

    def stated(self, name: str) -> float:
        """A figure of the whole histogram."""
        found = re.search(rf"{name} ([\d.]+)", self.text("#sum"))
        assert found is not None
        return float(found[1])

    def canvas(self) -> NDArray[np.uint8]:
        """The canvas of the histogram, (H, W, 3) in red, green and blue."""
        url = self.run("return document.querySelector('#plane').toDataURL('image/png')")
        coded = np.frombuffer(b64decode(url.partition(",")[2]), np.uint8)
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), np.uint8)

    def errors(self) -> list[str]:
        """What the browser has complained of since it was asked last."""
        return [m["message"] for m in self.driver.get_log("browser") if m["level"] == "SEVERE"]
