import numpy as np
import pytest

from sphfield.figures.gallery import Panel, Row, gallery
from sphfield.figures.projection import raster


def rows():
    flat = Panel(1, raster(np.ones(48), 60), 1.0, 0.0, 1.0)
    wavy = Panel(2, raster(np.arange(48.0), 60), 23.5, 13.9, 0.7)
    return [Row("a row", [flat, wavy], "a verdict")]


@pytest.mark.parametrize("scale", ["standardised", "shared", "panel"])
def test_each_panel_is_labelled_with_its_numbers(scale):
    figure = gallery(rows(), scale=scale, title="a title")
    text = [t.get_text() for ax in figure.axes for t in ax.texts] + [t.get_text() for t in figure.texts]
    assert "mean +23.50   std 14   70 % drawn" in text
    assert {"a row", "a verdict", "a title"} <= set(text)


def test_colours_of_the_standardised_scale_span_three_standard_deviations():
    figure = gallery(rows())
    images = [ax.get_images()[0] for ax in figure.axes if ax.get_images()]
    assert [image.get_clim() for image in images] == [(-3.0, 3.0)] * 2
    assert np.nanmax(np.abs(images[0].get_array())) == 0.0


def test_nothing_cannot_be_drawn():
    with pytest.raises(ValueError, match="nothing to draw"):
        gallery([])
    with pytest.raises(ValueError, match="scale = 'loud'"):
        gallery(rows(), scale="loud")


def test_a_long_verdict_stays_on_a_narrow_sheet():
    long = Row("a row", rows()[0].panels[:1], "word " * 60)
    figure = gallery([long], title="a title")
    figure.draw_without_rendering()
    frame = figure.bbox
    for text in figure.texts:
        box = text.get_window_extent()
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
