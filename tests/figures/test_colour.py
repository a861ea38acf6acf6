import sys
from types import ModuleType

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from sphfield.figures import colour_bar, colour_map, mollweide


def panels(n, **limits):
    axes = Figure().subplots(n // 3, 3).ravel()
    return axes, [mollweide(np.arange(12.0) - 4, ax, width=20, **limits) for ax in axes]


def test_a_colour_map_or_its_name_will_do():
    own = ListedColormap(["red", "blue"])
    assert colour_map(own) is own
    assert colour_map("viridis").name == "viridis"


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="unknown colour map 'RdBuu': did you mean RdBu"):
        colour_map("RdBuu")
    with pytest.raises(ValueError, match="did you mean RdBu_r or viridis"):
        colour_map("0")


@pytest.mark.parametrize(("name", "package"), [("cmc.vik", "cmcrameri"), ("cmr.iceburn", "cmasher")])
def test_a_missing_package_is_named_with_the_line_that_installs_it(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"{package}.cm", raising=False)
    with pytest.raises(ModuleNotFoundError) as caught:
        colour_map(name)
    assert caught.value.__notes__ == [f"colour map {name!r} comes with {package}: pip install {package}"]


def test_an_installed_package_brings_its_names(monkeypatch):
    for module in ("cmcrameri", "cmcrameri.cm"):
        monkeypatch.setitem(sys.modules, module, ModuleType(module))
    mpl.colormaps.register(ListedColormap(["red", "blue"], name="cmc.of_this_test"))
    try:
        assert colour_map("cmc.of_this_test").name == "cmc.of_this_test"
    finally:
        mpl.colormaps.unregister("cmc.of_this_test")


def test_one_bar_stands_below_all_panels():
    axes, images = panels(15)
    bar = colour_bar(images[0], axes, "$T$")
    FigureCanvasAgg(axes[0].figure).draw()
    assert len(axes[0].figure.axes) == 16
    assert bar.ax.get_position().y1 < min(ax.get_position().y0 for ax in axes)
    assert bar.ax.get_xlabel() == "$T$"


@pytest.mark.parametrize(
    ("limits", "extend"),
    [({}, "neither"), ({"vmin": -3}, "min"), ({"vmax": 3}, "max"), ({"vmin": -3, "vmax": 3}, "both")],
)
def test_a_bar_is_pointed_where_values_lie_beyond_it(limits, extend):
    axes, images = panels(3, **limits)
    assert colour_bar(images[0], axes, "$T$").extend == extend


def test_one_bar_for_panels_of_different_scales_is_refused():
    axes, images = panels(3)
    mollweide(np.ones(12), axes[1], width=20)
    with pytest.raises(ValueError, match=r"limits \(-1.0, 1.0\), the colour bar \(-7.0, 7.0\): draw all panels with"):
        colour_bar(images[0], axes, "$T$")


def test_a_single_panel_may_have_a_bar():
    axes, images = panels(3)
    assert colour_bar(images[0], axes[0], "$T$").ax.figure is axes[0].figure
