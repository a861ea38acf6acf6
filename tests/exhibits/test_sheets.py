import numpy as np
import pytest

from sphfield.ensembles.ensemble import Ensemble
from sphfield.ensembles.validation import validate
from sphfield.exhibits.exhibition import Exhibition
from sphfield.exhibits.sheets import gallery_sheet, spectra_sheet, validation_sheet
from sphfield.fields.gaussian import GaussianField
from sphfield.networks.activations import ReLU, Step, Tanh
from sphfield.spectra.spectrum import Spectrum


def words(figure):
    own = [t.get_text() for t in figure.texts]
    return " ".join([*own, *(t for ax in figure.axes for t in (ax.get_title(), ax.get_title(loc="left")))])


def test_the_gallery_says_what_depth_does():
    show = Exhibition((ReLU(), Tanh(), Step()), (1, 4), lmax=40)
    figure, caption = gallery_sheet(show, "standardised")
    text = words(figure)
    for word in ("sparse", "high-disorder", "fractal", "depth L = 4", "flattens slowly", "reaching past 40"):
        assert word in text
    assert "seed 50" in caption


def test_spectra_are_drawn_only_where_digits_are_known():
    show = Exhibition((Tanh(),), (1,), lmax=300)
    figure, _ = spectra_sheet(show)
    (line,) = figure.axes[0].get_lines()
    drawn = np.isfinite(line.get_ydata())
    known = np.isfinite(show.spectrum(0, 0).error) & (show.spectrum(0, 0).cl > 0)
    assert drawn.sum() == known[1:].sum()
    assert (line.get_xdata()[drawn] % 2 == 1).all()


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "passed"), (2.0, "FAILED")])
def test_the_check_shows_its_verdict(factor, verdict):
    s = Spectrum(1.0 / np.arange(1.0, 20.0) ** 2)
    report = validate(Ensemble(GaussianField(Spectrum(factor * s.cl), 16), seed=1), s, 20)
    figure, _ = validation_sheet(Exhibition((ReLU(),), (1,)), 0, [report], 64)
    assert verdict in words(figure)
