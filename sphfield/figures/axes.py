"""The axes to draw on: the caller's, and pyplot's current ones only where the caller names none."""

from __future__ import annotations

from matplotlib.axes import Axes

__all__ = ["current"]


def current(ax: Axes | None) -> Axes:
    """``ax`` itself, else ``pyplot.gca()``; pyplot is imported for nobody else, since it brings global state."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.gca()
