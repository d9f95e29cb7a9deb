"""Where the scenes are shown: redrawn in place on a terminal, printed when they are over elsewhere."""

from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.live import Live

from consumers.demo.display import scene_panel
from consumers.demo.rows import SceneView

_WIDTH: Final = 120
"""Where no terminal says how wide it is, and the widest that reads well."""
_FRAMES: Final = 12.5
"""Pictures a second: the spinner's own pace."""


class Stage(Protocol):
    """Shows scenes. `show` may be called often; once a scene is over it is not shown again."""

    def show(self, view: SceneView) -> None:
        """Show a scene as it is now."""
        ...


class QuietStage:
    """Shows nothing."""

    def show(self, view: SceneView) -> None:
        """Show nothing."""


class PrintedStage:
    """Prints every scene once, when it is over."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, view: SceneView) -> None:
        """Print a scene that is over."""
        if view.over:
            self._console.print(scene_panel(view))


class LiveStage:
    """Redraws the scene that is on at the bottom of a terminal; those that are over stay above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=_FRAMES, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, view: SceneView) -> None:
        """Redraw a scene."""
        if view.over:
            self._live.update("")
            self._console.print(scene_panel(view))
        else:
            self._live.update(scene_panel(view))


def console_for_people() -> Console:
    """Return a console of a width that reads well."""
    console = Console(highlight=False)
    return Console(highlight=False, width=min(console.width, _WIDTH) if console.is_terminal else _WIDTH)
