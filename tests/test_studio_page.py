"""The studio's page in a browser."""

import os
import signal
import tomllib
from base64 import b64encode
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from access import hard_to_see, overflow_at, without_name
from forking import Program, start_program
from studio_session import FILM, SHOT, SHOTS, Opened, color_picture, shots

from vidcolor.report.sidecar import read_sidecar
from vidcolor.studio.cli import main as studio_main

ENTER = "\ue007"  # as WebDriver writes it; a click may miss what moves while pictures come


class Person:
    """Somebody at the page."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver = driver
        driver.get("about:blank")
        driver.get_log("browser")  # of pages before, whose studio has ended
        driver.get(address)

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script)

    def wait(self, script: str) -> None:
        """Until an expression is true; the browser itself looks: asking it again costs more."""
        self.driver.set_script_timeout(90)
        is_true = self.driver.execute_async_script(
            "const done = arguments[0], end = Date.now() + 60000;"
            f"const look = () => ({script}) ? done(true)"
            "  : Date.now() > end ? done(false) : setTimeout(look, 50); look()"
        )
        if not is_true:
            pytest.fail(f"never: {script}; {self.text('status')}")

    def element(self, name: str) -> Any:
        """One by its id."""
        return self.driver.find_element("id", name)

    def text(self, name: str) -> str:
        """What stands in an element."""
        found: str = self.element(name).text
        return found

    def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        from selenium.webdriver import ActionChains

        self.run("document.activeElement.blur()")
        for key in keys:
            ActionChains(self.driver, duration=10).send_keys(key).perform()

    def drag(self, name: str, right: int) -> None:
        """An element, by so many pixels."""
        from selenium.webdriver import ActionChains

        chain = ActionChains(self.driver, duration=50)
        chain.drag_and_drop_by_offset(self.element(name), right, 0).perform()

    def choose(self, number: int) -> None:
        """A shot of the strip."""
        self.item(number).find_element("css selector", "button").click()
        self.await_frame((number - 1) * SHOT + (SHOT - 1) // 2)

    def await_frame(self, frame: int) -> None:
        """Until a frame is shown in color."""
        self.wait(f"document.getElementById('after').dataset.frame === '{frame}'")

    def item(self, number: int) -> Any:
        """A shot's place in the strip."""
        return self.driver.find_element("css selector", f'#strip li[data-number="{number}"]')

    def click(self, x: float, y: float) -> None:
        """A place of the picture, in fractions of it."""
        from selenium.webdriver import ActionChains

        shown = self.element("picture")
        right = round((x - 0.5) * shown.rect["width"])
        down = round((y - 0.5) * shown.rect["height"])
        chain = ActionChains(self.driver, duration=10)
        chain.move_to_element_with_offset(shown, right, down).click().perform()

    def draw(self, first: tuple[float, float], last: tuple[float, float]) -> None:
        """A line from one place of the picture to another, by pointer."""
        from selenium.webdriver import ActionChains

        shown = self.element("picture")
        chain = ActionChains(self.driver, duration=50)
        for step in range(6):
            x, y = (one + step / 5 * (other - one) for one, other in zip(first, last, strict=True))
            right, down = (x - 0.5) * shown.rect["width"], (y - 0.5) * shown.rect["height"]
            chain.move_to_element_with_offset(shown, round(right), round(down))
            if step == 0:
                chain.click_and_hold()
        chain.release().perform()

    def slide(self, name: str, value: float) -> None:
        """A slider, as a person moves it."""
        self.run(
            f"const one = document.getElementById('{name}'); one.value = {value};"
            "one.dispatchEvent(new Event('input', { bubbles: true }))"
        )

    def spread(self) -> float:
        """How far the picture in view is from grey, in codes: the mean of max - min."""
        found: float = self.run(
            "const image = document.getElementById('after');"
            "const sheet = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);"
            "const drawn = sheet.getContext('2d'); drawn.drawImage(image, 0, 0);"
            "const d = drawn.getImageData(0, 0, sheet.width, sheet.height).data; let sum = 0;"
            "for (let i = 0; i < d.length; i += 4)"
            "  sum += Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]);"
            "return sum / (d.length / 4)"
        )
        return found

    def errors(self) -> list[str]:
        """What the browser complains of."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture
def person(driver: Any, studio: Opened) -> Person:
    """At the page, with all shots and the model there."""
    person = Person(driver, studio.gate.address)
    person.wait(f"document.querySelectorAll('#strip li').length === {SHOTS}")
    person.await_frame((SHOT - 1) // 2)
    return person


def test_looking(person: Person, studio: Opened) -> None:
    """Frames by keys and by the strip; the divider by pointer and keys; zoom; names are text."""
    shown = FILM.replace("\u202e", "\ufffd")
    assert person.run("return document.getElementById('film').textContent") == shown
    assert person.driver.title == f"{shown}: vidcolor studio"
    assert shown.removesuffix(".mkv") in person.run("return document.body.textContent")
    assert "\u202e" not in person.run("return document.body.textContent")
    assert person.run("return typeof hacked") == "undefined"
    assert person.run("return document.querySelectorAll('script, img[src=x]').length") == 1
    assert studio.gate.token not in person.driver.current_url
    person.press("l", "l", "j")
    person.await_frame((SHOT - 1) // 2 + 1)
    person.choose(2)
    assert "frames 12 to 23" in person.text("shot")
    before = float(person.element("divider").get_attribute("aria-valuenow"))
    width = person.run("return document.getElementById('picture').getBoundingClientRect().width")
    person.drag("divider", round(width / 4))
    assert float(person.element("divider").get_attribute("aria-valuenow")) == pytest.approx(
        before + 25, abs=2
    )
    clip = person.run("return document.getElementById('after').style.clipPath")
    assert "75" in clip or "74" in clip or "76" in clip
    kinds = "document.getElementById('after').dataset"
    person.press("k")
    person.wait(f"{kinds}.kind === 'played'")
    assert person.text("play") == "Pause"
    person.wait(f"{kinds}.kind === 'after' && {kinds}.frame === '{2 * SHOT - 1}'")
    assert person.text("play") == "Play"
    person.press("1")
    assert "100%" in person.run("return document.getElementById('after').style.clipPath")
    person.press("2")
    assert not person.element("divider").is_displayed()
    zoom = person.text("zoom")
    person.press("+")
    assert person.text("zoom") != zoom
    person.wait("document.querySelectorAll('#strip img[src^=blob]').length === 3")
    person.run(
        "const one = document.getElementById('moments'); one.value = 'three';"
        "one.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    person.wait("document.querySelectorAll('#strip img[src^=blob]').length === 9")
    assert person.errors() == []


def test_steering(person: Person, studio: Opened) -> None:
    """A slider changes its shot and no other, on the disk as well; undo takes it back."""
    script = studio.film.with_suffix(".colors.toml")
    person.choose(3)
    other = person.spread()
    person.choose(2)
    own = person.spread()
    assert own > 2
    version = "document.getElementById('after').dataset.version"
    old = person.run(f"return {version}")
    person.slide("saturation", 0)
    person.wait(f"{version} !== '{old}'")
    assert person.spread() == pytest.approx(0, abs=0.5)
    assert tomllib.loads(script.read_text()) == {"range": [{"shots": "2", "saturation": 0}]}
    person.wait("document.querySelector('#strip li[data-number=\"2\"] .changed') !== null")
    person.choose(3)
    assert person.spread() == pytest.approx(other)
    person.choose(2)
    person.element("undo").click()
    person.wait(f"{version} === '{old}'")
    assert person.spread() == pytest.approx(own)
    person.wait("document.getElementById('saturation').value === '1'")
    assert person.element("smoothing").get_attribute("value") == "0.92"
    script.write_text('[[range]]\nshots = "2"\nsaturation = 0.0\n')  # by a text editor
    person.wait("document.getElementById('saturation').value === '0'")
    script.write_text('[[range]]\nshots = "2"\nsaturatoin = 0.0\n')
    person.wait("document.getElementById('status').textContent.includes('.colors.toml:3')")
    assert person.errors() == []


def test_everybody_can_use_it(person: Person, studio: Opened) -> None:
    """Contrast, names of controls, a narrow screen; and a box is drawn by keys alone."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    person.choose(2)
    assert hard_to_see(person.driver) == []
    assert without_name(person.driver) == []
    for width, height in ((1280, 800), (390, 844)):
        assert overflow_at(person.driver, width, height) <= 0
    person.press("x")
    person.run("document.getElementById('stage').focus()")
    chain = ActionChains(person.driver, duration=10).send_keys(Keys.ENTER).key_down(Keys.SHIFT)
    chain.send_keys(5 * Keys.ARROW_RIGHT, 5 * Keys.ARROW_DOWN).key_up(Keys.SHIFT)
    chain.send_keys(Keys.ENTER).perform()
    person.wait("document.querySelectorAll('#swatches button').length > 0")
    person.run("document.querySelector('#swatches button').focus()")
    ActionChains(person.driver, duration=10).send_keys(Keys.ENTER).perform()
    person.wait("document.querySelectorAll('#hints li').length === 1")
    (hint,) = tomllib.loads(studio.film.with_suffix(".colors.toml").read_text())["hint"]
    assert hint["box"] == pytest.approx([0.5, 0.5, 0.1, 0.1])
    assert hard_to_see(person.driver) == []
    assert person.errors() == []


def test_a_thing_gets_a_color(person: Person, studio: Opened) -> None:
    """One of the likeliest, or any; it stands in the script, and can be taken away again."""
    script = studio.film.with_suffix(".colors.toml")
    person.choose(2)
    person.click(0.3, 0.4)
    person.wait("document.querySelectorAll('#swatches button').length > 0")
    assert person.element("mark").is_displayed()
    first = person.driver.find_element("css selector", "#swatches button")
    first.click()
    person.wait("document.querySelectorAll('#hints li').length === 1")
    (hint,) = tomllib.loads(script.read_text())["hint"]
    assert hint["frame"] == SHOT + (SHOT - 1) // 2
    assert hint["at"] == pytest.approx([0.3, 0.4], abs=0.02)
    assert hint["color"] == first.get_attribute("data-color")
    person.run(
        "const own = document.getElementById('color'); own.value = '#3040c0';"
        "own.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    person.wait("document.querySelector('.spot').style.background.includes('48, 64, 192')")
    assert [one["color"] for one in tomllib.loads(script.read_text())["hint"]] == ["#3040c0"]
    person.wait("document.querySelector('#strip li[data-number=\"2\"] .changed') !== null")
    person.choose(3)
    assert person.run("return document.querySelectorAll('.spot, #hints li').length") == 0
    person.choose(2)
    person.driver.find_element("css selector", "#hints li button:last-child").click()
    person.wait("document.querySelectorAll('.spot, #hints li').length === 0")
    assert "hint" not in tomllib.loads(script.read_text())
    assert person.errors() == []


def test_drawing(person: Person, studio: Opened) -> None:
    """Brush, box and the brush without color; sliders for some frames; a mark."""
    script = studio.film.with_suffix(".colors.toml")

    def hints() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = tomllib.loads(script.read_text()).get("hint", [])
        return found

    person.choose(2)
    own = person.spread()
    person.press("n")
    person.draw((0.2, 0.3), (0.8, 0.3))
    person.wait("document.querySelectorAll('#drawn .line.drawn').length === 1")
    (line,) = hints()
    assert (line["frame"], line["color"], line["radius"]) == (
        SHOT + (SHOT - 1) // 2,
        "neutral",
        0.02,
    )
    assert len(line["stroke"]) > 2
    assert line["stroke"][0] == pytest.approx([0.2, 0.3], abs=0.02)
    assert line["stroke"][-1] == pytest.approx([0.8, 0.3], abs=0.02)
    person.press("x")
    person.draw((0.1, 0.5), (0.6, 0.9))
    person.wait("document.querySelectorAll('#swatches button').length > 0")
    person.driver.find_element("css selector", "#swatches button").click()
    person.wait("document.querySelectorAll('#hints li').length === 2")
    assert hints()[1]["box"] == pytest.approx([0.1, 0.5, 0.5, 0.4], abs=0.02)
    assert person.run("return document.querySelectorAll('#drawn .area.drawn').length") == 1
    assert person.spread() != pytest.approx(own, abs=0.05)
    person.press("p")
    person.choose(3)
    assert person.run("return document.querySelectorAll('#drawn *, #hints li').length") == 0
    person.press("m")
    person.wait("document.querySelector('#strip .mark') !== null")
    assert "marked" in person.item(3).text
    person.run(
        "const one = document.getElementById('scope'); one.value = 'frames';"
        "one.dispatchEvent(new Event('change', { bubbles: true }));"
        f"document.getElementById('last-frame').value = {2 * SHOT + 7}"
    )
    person.slide("saturation", 0)
    person.wait("document.getElementById('saturation-value').textContent === '0'")
    person.wait("!document.getElementById('saturation').parentElement.matches('.unset')")
    assert tomllib.loads(script.read_text())["range"] == [{"frames": "24-31", "saturation": 0}]
    person.await_frame(2 * SHOT + (SHOT - 1) // 2)
    assert tomllib.loads(script.read_text())["film"] == {"marked": "3"}
    assert person.errors() == []


def test_a_picture_is_dropped_on_a_shot(
    person: Person, studio: Opened, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its colors are those of the shot; it is shown beside the frame, and can be chosen as well."""
    script = studio.film.with_suffix(".colors.toml")
    person.choose(2)
    version = "document.getElementById('after').dataset.version"
    old = person.run(f"return {version}")
    person.driver.execute_script(
        "const data = Uint8Array.from(atob(arguments[0]), (one) => one.charCodeAt(0));"
        "const transfer = new DataTransfer();"
        "transfer.items.add(new File([data], '<b>kitchen.png', { type: 'image/png' }));"
        "document.querySelector('#strip li[data-number=\"2\"] button').dispatchEvent("
        "  new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }))",
        b64encode(color_picture()).decode(),
    )
    person.wait(f"{version} !== '{old}'")
    (reference,) = tomllib.loads(script.read_text())["reference"]
    assert reference == {"picture": f"{studio.film.stem}.reference-b-kitchen.png", "shots": "2"}
    person.wait("document.querySelector('#references img')?.naturalWidth > 0")
    assert reference["picture"].replace("\u202e", "\ufffd") in person.text("references")
    person.choose(3)
    assert person.text("references") == ""
    picture = tmp_path_factory.mktemp("chosen") / "frame.png"
    picture.write_bytes(color_picture())
    person.element("anchored").click()
    person.element("picture-file").send_keys(str(picture))
    person.wait("document.querySelectorAll('#references li').length === 1")
    frame = 2 * SHOT + (SHOT - 1) // 2
    assert tomllib.loads(script.read_text())["reference"][1]["frame"] == frame
    person.wait("document.querySelector('#references img').naturalWidth > 0")
    person.driver.find_element("css selector", "#references button").send_keys(ENTER)
    person.wait("document.querySelectorAll('#references li').length === 0")
    picture.write_bytes(b"no picture")
    person.element("picture-file").send_keys(str(picture))
    person.wait("document.getElementById('status').textContent.includes('cannot be read')")
    assert len(tomllib.loads(script.read_text())["reference"]) == 1
    assert all("422" in error for error in person.errors())


def test_rendering(person: Person, studio: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be stopped, and goes on; a second run colors one shot; the finished film is shown."""
    rendering = studio.session.rendering
    follow = rendering._follow
    with monkeypatch.context() as slowly:
        slowly.setattr(rendering, "_follow", lambda *given: (sleep(0.2), follow(*given)))
        person.element("render").click()
        person.wait(
            f"document.getElementById('pace').textContent.includes('of {SHOT * SHOTS} frames, ')"
        )
        assert float(person.element("bar").get_attribute("value")) > 0
        person.element("stop").click()
        person.wait("document.getElementById('status').textContent.includes('stopped')")
    assert not studio.session.output.exists()
    assert person.text("render") == "Go on rendering"
    person.element("render").click()
    person.wait("document.getElementById('status').textContent.includes('is finished')")
    person.wait("document.getElementById('after').dataset.kind === 'made'")
    assert person.spread() > 2
    person.choose(1)
    person.element("gray").click()
    person.wait("document.querySelector('#strip li .changed') !== null")
    person.element("render").click()
    person.driver.switch_to.alert.accept()
    person.wait("document.getElementById('status').textContent.includes('coloring 1 of 3 shots')")
    person.wait("document.getElementById('after').dataset.kind === 'made'")
    assert person.spread() < 1
    shown = read_sidecar(studio.session.output.with_suffix(".json"))["shots"]
    assert [shot["colorfulness"] == 0 for shot in shown] == [True, False, False]
    assert person.errors() == []


def test_a_killed_studio_loses_nothing(driver: Any, tmp_path: Path) -> None:
    """What was changed is on the disk; a new one shows it."""
    pytest.importorskip("uvicorn", reason="the extra studio is not installed")
    from clips import write_film

    film = write_film(tmp_path / "film.mkv", shots())
    command = [film, "--port", "0", "--no-browser"]

    def begin(name: str) -> tuple[Program, Person]:
        program = start_program(tmp_path / name, command, program=studio_main)
        printed = program.folder / "out"
        while not (printed.exists() and printed.read_text().endswith("\n")):
            assert program.process.is_alive()
            sleep(0.05)
        person = Person(driver, printed.read_text().strip())
        person.wait(f"document.querySelectorAll('#strip li').length === {SHOTS}")
        person.await_frame((SHOT - 1) // 2)
        return program, person

    program, person = begin("first")
    person.slide("tint", 20)
    person.wait("document.querySelector('#strip li .changed') !== null")
    program.process.kill()
    assert program.end()[0] == -signal.SIGKILL
    program, person = begin("second")
    assert person.element("tint").get_attribute("value") == "20"
    assert program.process.pid is not None
    os.kill(program.process.pid, signal.SIGINT)
    assert program.end()[0] == 0
    assert not [path for path in tmp_path.iterdir() if "part" in path.name]
