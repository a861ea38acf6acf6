import numpy as np
import pytest

from sphfield.exhibits.exhibition import Exhibition, activation_label, moments
from sphfield.fields.transforms import synthesis
from sphfield.networks.activations import Gaussian, LeakyReLU, ReLU


def test_every_panel_shows_the_same_sky():
    show = Exhibition(depths=(1, 5), lmax=32)
    phases = []
    for panel in show.panels():
        alm, cl = show.alm(*panel), show.spectrum(*panel).cl
        phases.append(alm[0].real / np.sqrt(cl[0]) if cl[0] > 0 else None)
    known = [p for p in phases if p is not None]
    assert len(known) == 4
    np.testing.assert_allclose(known, known[0], rtol=1e-14)


def test_moments_are_those_of_the_map():
    show = Exhibition((ReLU(),), (3,), lmax=24)
    alm = show.alm(0, 0)
    m = synthesis(alm, 64)
    mean, std = moments(alm, 24)
    # HEALPix pixels integrate products of multipoles up to 24 + 24 at nside 64 to about 1e-6
    assert mean == pytest.approx(m.mean(), rel=1e-6)
    assert std == pytest.approx(m.std(), rel=1e-5)


def test_labels_are_short():
    assert [activation_label(a) for a in (ReLU(), LeakyReLU(0.3), np.tanh)] == ["ReLU", "LeakyReLU(slope=0.3)", "tanh"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), (1,)), "at least one activation"),
        (((Gaussian(),), ()), "at least one activation and one depth"),
        (((Gaussian(),), (1, -1)), "depth = -1"),
        (((Gaussian(),), (1,), 50, 0, 1), "lmax = 1"),
    ],
)
def test_an_exhibition_of_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Exhibition(*arguments)
