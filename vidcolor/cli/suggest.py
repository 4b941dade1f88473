"""`--suggest`: the likeliest colors of a place of each film, as a table."""

from vidcolor.cli.output import say, warn
from vidcolor.cli.request import Request
from vidcolor.errors import VidcolorError
from vidcolor.models.zoo import find_model
from vidcolor.preview.suggestions import suggest_colors
from vidcolor.reels.find import Reel, find_reels

DONE, FAILED = 0, 1


def show_suggestions(request: Request) -> int:
    """Print the suggestions for each film; the exit code."""
    if request.suggest is None:
        raise ValueError("no place is named")
    frame, point = request.suggest
    model = find_model(request.settings.model)
    code = DONE
    for reel in find_reels(request.inputs, recursive=request.recursive):
        try:
            if not isinstance(reel, Reel):
                raise reel
            found = suggest_colors(reel.path, frame, point, request.settings, model=model)
        except VidcolorError as error:
            warn(str(error))
            code = FAILED
            continue
        say(f"{reel.path}: frame {frame} at {point[0]:g},{point[1]:g}")
        for one in found:
            say(f"  {one.color}  {100 * one.probability:5.1f} %")
    return code
