"""The stages whose arrays of a frame can be dumped."""

STAGES = (
    "luma",
    "lightness",
    "net",
    "evidence",
    "flow",
    "smooth",
    "regions",
    "chroma",
    "final",
)
"""What can be dumped of a frame, in the order that it comes to be."""


def parse_stages(text: str) -> tuple[str, ...]:
    """The stages that `text` names, commas between, in the order that they come to be.

    Raises:
        ValueError: One of them is none.
    """
    named = {part.strip() for part in text.split(",")}
    unknown = named - set(STAGES)
    if unknown:
        raise ValueError(f"{min(unknown)!r} is not a stage; choose from {', '.join(STAGES)}")
    return tuple(stage for stage in STAGES if stage in named)
