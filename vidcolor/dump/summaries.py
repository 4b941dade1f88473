"""What is drawn and what is reckoned of each stage's arrays."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vidcolor.color.bins import MOST_ENTROPY_BITS
from vidcolor.dump.views import (
    View,
    ab_view,
    bin_view,
    chroma_view,
    final_view,
    flow_view,
    heat_view,
    label_view,
    lightness_view,
    limited_view,
    luma_view,
    upright,
)
from vidcolor.frame import Frame, Record

Map = NDArray[np.float32]

_OF_BINS = {"entropy_bits": "entropy", "top_probability": "top_probability"}


def views_of(stage: str, arrays: Record, frame: Frame, lightness: Map) -> dict[str, View]:
    """Give the pictures of one stage, upright, by name.

    Args:
        stage: Its name.
        arrays: What it made; for `final` the chroma planes.
        frame: The frame.
        lightness: L* that the network saw, (H, W).
    """
    return {
        "-".join(filter(None, (stage, name))): view
        for name, view in _DRAW[stage](arrays, frame, lightness)
    }


def figures_of(stage: str, arrays: Record) -> dict[str, float]:
    """A few numbers that show whether a stage's arrays are unusual; none for `final`."""
    return {name: round(float(value), 6) for name, value in _RECKON[stage](arrays).items()}


def _draw_luma(arrays: Record, frame: Frame, _: Map) -> list[tuple[str, View]]:
    return [("", upright(luma_view(arrays["luma"], frame.picture), frame.picture))]


def _draw_lightness(arrays: Record, _: Frame, __: Map) -> list[tuple[str, View]]:
    views = [("", lightness_view(arrays["lightness"]))]
    if (arrays["exposed"] != arrays["lightness"]).any():
        views.append(("exposed", lightness_view(arrays["exposed"])))
    return views


def _draw_histogram(arrays: Record, _: Frame, lightness: Map) -> list[tuple[str, View]]:
    views = [("ab", ab_view(arrays["ab"], lightness))]
    if "top_bin" in arrays:
        views += [
            ("entropy", heat_view(arrays["entropy"], 0, MOST_ENTROPY_BITS)),
            ("top-bin", bin_view(arrays["top_bin"])),
            ("top-probability", heat_view(arrays["top_probability"], 0, 1)),
        ]
    if "past_share" in arrays:
        views.append(("past-share", heat_view(arrays["past_share"], 0, 1)))
    return views


def _draw_flow(arrays: Record, _: Frame, __: Map) -> list[tuple[str, View]]:
    return [
        ("", flow_view(arrays["displacement"])),
        ("trust", heat_view(arrays["trust"], 0, 1)),
    ]


def _draw_evidence(arrays: Record, _: Frame, lightness: Map) -> list[tuple[str, View]]:
    return [
        ("ab", ab_view(arrays["ab"], lightness)),
        ("share", heat_view(arrays["share"], 0, 1)),
    ]


def _draw_regions(arrays: Record, _: Frame, __: Map) -> list[tuple[str, View]]:
    name = "seeds" if "seeds" in arrays else "labels"
    return [(name, label_view(arrays[name]))]


def _draw_chroma(arrays: Record, frame: Frame, _: Map) -> list[tuple[str, View]]:
    picture = frame.picture
    views = [
        ("before-limit", chroma_view(arrays["cb_unlimited"], arrays["cr_unlimited"], picture)),
        ("limited", limited_view(frame.luma, _share_lost(arrays), picture)),
        ("", chroma_view(arrays["cb"], arrays["cr"], picture)),
    ]
    return [(name, upright(view, picture)) for name, view in views]


def _draw_final(arrays: Record, frame: Frame, _: Map) -> list[tuple[str, View]]:
    picture = frame.picture
    return [("", upright(final_view(frame.luma, arrays["cb"], arrays["cr"], picture), picture))]


def _reckon_luma(arrays: Record) -> dict[str, float]:
    luma = arrays["luma"]
    return {"mean_code": luma.mean(), "least_code": luma.min(), "greatest_code": luma.max()}


def _reckon_lightness(arrays: Record) -> dict[str, float]:
    return {"mean": arrays["lightness"].mean()}


def _reckon_histogram(arrays: Record) -> dict[str, float]:
    a, b = arrays["ab"]
    figures = {name: arrays[key].mean() for name, key in _OF_BINS.items() if key in arrays}
    figures |= {
        "mean_a": a.mean(),
        "mean_b": b.mean(),
        "mean_distance_from_gray": np.hypot(a, b).mean(),
    }
    if "past_share" in arrays:
        figures["past_share"] = arrays["past_share"].mean()
    return figures


def _reckon_flow(arrays: Record) -> dict[str, float]:
    return {
        "mean_pixels": np.hypot(*arrays["displacement"]).mean(),
        "trust": arrays["trust"].mean(),
    }


def _reckon_evidence(arrays: Record) -> dict[str, float]:
    return {"share": arrays["share"].mean()}


def _reckon_regions(arrays: Record) -> dict[str, float]:
    if "seeds" in arrays:
        return {"seeds": arrays["seeds"].sum()}
    return {"regions": len(np.unique(arrays["labels"]))}


def _reckon_chroma(arrays: Record) -> dict[str, float]:
    share = _share_lost(arrays)
    return {"limited_part": (share < 1).mean(), "mean_gamut_share": share.mean()}


def _share_lost(arrays: Record) -> Map:
    """The gamut limit's share where it changed a code; black and white have no color to lose."""
    same = (arrays["cb"] == arrays["cb_unlimited"]) & (arrays["cr"] == arrays["cr_unlimited"])
    return np.where(same, np.float32(1), arrays["gamut_share"])


def _reckon_final(_: Record) -> dict[str, float]:
    return {}


_Draw = Callable[[Record, Frame, Map], list[tuple[str, View]]]
_DRAW: dict[str, _Draw] = {
    "luma": _draw_luma,
    "lightness": _draw_lightness,
    "net": _draw_histogram,
    "evidence": _draw_evidence,
    "flow": _draw_flow,
    "smooth": _draw_histogram,
    "regions": _draw_regions,
    "chroma": _draw_chroma,
    "final": _draw_final,
}
_RECKON: dict[str, Callable[[Record], dict[str, float]]] = {
    "luma": _reckon_luma,
    "lightness": _reckon_lightness,
    "net": _reckon_histogram,
    "evidence": _reckon_evidence,
    "flow": _reckon_flow,
    "smooth": _reckon_histogram,
    "regions": _reckon_regions,
    "chroma": _reckon_chroma,
    "final": _reckon_final,
}
