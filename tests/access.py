"""What of a page is hard to see or to name, as a browser computes it."""

from pathlib import Path
from typing import Any

FAULTS = Path(__file__).with_suffix(".js").read_text()

CONTROLS = {
    "button", "checkbox", "combobox", "radio", "slider", "spinbutton", "textbox", "ColorWell",
}  # fmt: skip


def hard_to_see(driver: Any) -> list[str]:
    """What has less contrast than WCAG 2.2 AA asks for: 4.5 for text, 3 for edges of controls."""
    found: list[str] = driver.execute_script(FAULTS)
    return found


def without_name(driver: Any) -> list[str]:
    """Controls that a screen reader has no name for."""
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    shown = [one for one in nodes if not one.get("ignored")]
    controls = [one for one in shown if one.get("role", {}).get("value") in CONTROLS]
    assert controls
    return [str(one["role"]) for one in controls if not one.get("name", {}).get("value")]


def overflow_at(driver: Any, width: int, height: int) -> int:
    """By how many pixels a page is wider than a screen of this size."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        script = "return document.documentElement.scrollWidth - window.innerWidth"
        return int(driver.execute_script(script))
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
