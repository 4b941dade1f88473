"""What predicts and refines in each shot: the film's own way, or the one that a script sets."""

from dataclasses import replace

from vidcolor.directing.direction import NO_DIRECTION, Direction
from vidcolor.models.named import Load, load_named
from vidcolor.models.predict import spare_memory
from vidcolor.models.zoo import Model
from vidcolor.pipeline.finish import keeps_color
from vidcolor.settings import RENDER_SIZE, NamedModel, Settings
from vidcolor.shot import Shot


class Choices:
    """The model and the settings of each shot of a film.

    Args:
        film: The film's model. It decides where the parts of all shots end.
        settings: The film's settings.
        direction: What a color script says of the film.
        load: Gives the models that the script names.

    Attributes:
        film: As above.
        settings: As above.
    """

    def __init__(
        self,
        film: Model,
        settings: Settings,
        direction: Direction = NO_DIRECTION,
        load: Load = load_named,
    ) -> None:
        self.film: Model = film
        self.settings: Settings = settings
        self._direction, self._load = direction, load

    def model_of(self, shot: Shot) -> Model:
        """What predicts in a shot; loaded if it is not yet."""
        named = self._named(shot.number)
        if named is None or named.sha256 == self.film.sha256:
            return self.film
        model = self._load(named)
        return model if self.film.batch_limit.pictures is None else spare_memory(model)

    def size_of(self, shot: Shot) -> int:
        """Short side, in pixels, of the picture that the network sees of a shot.

        It is the network's own, but where the film's differs from that of the film's network.
        """
        size = self.settings.model.render_size or self.film.render_size or RENDER_SIZE
        named = None if keeps_color(shot, self.settings.color) else self._named(shot.number)
        return size if named is None or size != self.film.render_size else named.render_size

    def settings_of(self, shot: Shot) -> Settings:
        """The settings of a shot."""
        settings, method = self.settings, self._direction.look_of_shot(shot.number).refine
        model = replace(settings.model, render_size=self.size_of(shot))
        refine = settings.refine if method is None else replace(settings.refine, method=method)
        return replace(settings, model=model, refine=refine)

    def recalled_by(self, shot: Shot) -> int | None:
        """Number of the shot with whose colors a shot begins; None if another network made them."""
        before = shot.returns_to
        is_same = before is not None and self._named(before) == self._named(shot.number)
        return before if is_same else None

    def _named(self, shot: int) -> NamedModel | None:
        """The model that the script names for a shot, by its number."""
        return self._direction.look_of_shot(shot).model
