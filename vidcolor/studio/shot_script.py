"""What a color script says of one shot, told by time: a part of a film has numbers of its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from vidcolor.directing.direction import Direction
from vidcolor.directing.placed import Held
from vidcolor.directing.script import ColorScript, Hint, Range, Reference
from vidcolor.studio.strip import Strip, StripShot

SecondsOf = Callable[[int], Fraction]
"""The middle of a frame, in seconds after the film's first one."""


def script_of_shot(
    direction: Direction, strip: Strip, shot: StripShot, seconds_of: SecondsOf
) -> ColorScript:
    """A script for a film that begins and ends with the shot.

    Args:
        direction: What the film's script says.
        strip: Knows when its frames are shown.
        shot: The shot.
        seconds_of: See `SecondsOf`.
    """
    told = _Told(direction, strip, shot, seconds_of)
    return ColorScript(
        ranges=tuple(told.ranges()), hints=tuple(told.hints()), references=tuple(told.references())
    )


class _Told:
    def __init__(
        self, direction: Direction, strip: Strip, shot: StripShot, seconds_of: SecondsOf
    ) -> None:
        self._direction, self._strip, self._shot = direction, strip, shot
        self._seconds_of = seconds_of

    def ranges(self) -> Iterator[Range]:
        """One for all of the shot, those of the whole film giving way, and those of some frames."""
        whole: dict[str, object] = {}
        for part, held, model in self._direction.placed:
            if held.spans is None and self._reaches(held):
                whole |= part.settings
                if model is not None:
                    whole["model"] = model.settings.name  # with its whole path
        if whole:
            yield Range(**whole)  # type: ignore[arg-type]
        for part, held, _ in self._direction.placed:
            if held.spans is not None and (frames := self._frames(held)):
                yield replace(part, frames=self._text(frames), place="")

    def hints(self) -> Iterator[Hint]:
        for one in self._direction.hints:
            if frames := self._strip.frames_of(one.span, self._shot):
                picture = None if one.path is None else str(one.path.absolute())
                yield replace(one.hint, frame=self._text(frames[:1]), picture=picture, place="")

    def references(self) -> Iterator[Reference]:
        for one in self._direction.references:
            if not self._reaches(one.held):
                continue
            text = None if one.held.spans is None else self._text(self._frames(one.held))
            yield replace(
                one.reference,
                picture=str(one.path.absolute()),
                frame=None if one.span is None else text,
                frames=None if one.span is not None else text,
                shots=None,
                place="",
            )

    def _reaches(self, held: Held) -> bool:
        """Whether anything of the shot is held."""
        if held.spans is not None:
            return bool(self._frames(held))
        number = self._shot.shot.number + 1
        return held.shots is None or any(one.first <= number <= one.last for one in held.shots)

    def _frames(self, held: Held) -> list[int]:
        """The frames of the shot that spans hold, in order."""
        spans = held.spans or ()
        return sorted({n for span in spans for n in self._strip.frames_of(span, self._shot)})

    def _text(self, frames: Sequence[int]) -> str:
        """Frames as a script writes them."""
        parts: list[list[int]] = []
        for frame in frames:
            if parts and parts[-1][-1] == frame - 1:
                parts[-1].append(frame)
            else:
                parts.append([frame])
        return ",".join(
            "-".join(f"{float(self._seconds_of(n)):.6f}s" for n in sorted({part[0], part[-1]}))
            for part in parts
        )
