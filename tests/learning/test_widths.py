import numpy as np
import pytest

from sphfield.learning.widths import width_sweep
from sphfield.networks.activations import GELU, ReLU, Step, Tanh
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.gram import gram_spectrum
from sphfield.spectra.rows import unit_rows

X = unit_rows(np.random.default_rng(0).standard_normal((24, 6)) + 0.3)


def test_with_one_hidden_layer_the_mean_square_error_is_inverse_to_the_width():
    # the kernel is a mean over independent units, so this is exact from the narrowest network on
    sweep = width_sweep(Network(ReLU(), 1), (8, 32, 128, 512, 2048), X, np.random.default_rng(1), draws=12)
    # scatter over seeds 0.022: beyond 0.1 once in 10^5 of them
    assert sweep.slope == pytest.approx(-0.5, abs=0.1)
    assert sweep.error.shape == (5, 12)
    assert sweep.rms[-1] < 0.1 < sweep.rms[0]


@pytest.mark.parametrize("sigma", [Tanh(), GELU()], ids=repr)
def test_deep_networks_come_as_close_as_the_root_of_the_width(sigma):
    sweep = width_sweep(Network(sigma, 3, 0.1), (32, 64, 128, 256, 512), X, np.random.default_rng(2), draws=12)
    # scatter over seeds 0.055: beyond 0.25 once in 10^5 of them
    assert sweep.slope == pytest.approx(-0.5, abs=0.25)


def test_effective_ranks_come_close_to_that_of_the_limit_and_keep_its_bounds():
    network = Network(ReLU(), 1)
    sweep = width_sweep(network, (32, 512), X, np.random.default_rng(3), draws=24)
    limit = gram_spectrum(NTK(network), X)
    np.testing.assert_array_equal(sweep.limit.eigenvalues, limit.eigenvalues)
    off = np.sqrt(np.mean((sweep.effective_rank - limit.effective_rank) ** 2, axis=1))
    # they scatter as the root of the width too, 0.3 and 0.07: a factor 4, whose own scatter over seeds is 0.8
    assert 0 < off[1] < 0.7 * off[0]
    # Theorem 4.5, with the constant of the limit, k(1) / c_1 = 2: scatter 0.025 about 0.97 at width 512
    (bound,) = [b.limit for b in limit.bounds() if b.theorem == "Theorem 4.3"]
    assert bound == pytest.approx(2.0 * limit.data_effective_rank, rel=1e-12)
    assert (sweep.constant[1] < 2.0).all()
    assert (sweep.effective_rank[1] < bound).all()


def test_what_has_no_width_or_no_slope_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="depth = 0: without a hidden layer there is no width"):
        width_sweep(Network(ReLU(), 0), (8, 16), X, rng)
    with pytest.raises(ValueError, match="draws = 0 is too small"):
        width_sweep(Network(ReLU(), 1), (8, 16), X, rng, draws=0)
    with pytest.raises(ValueError, match=r"widths = \(8,\): a slope needs two"):
        _ = width_sweep(Network(ReLU(), 1), (8,), X, rng, draws=1).slope
    with pytest.raises(ValueError, match="the activation jumps"):
        width_sweep(Network(Step(), 1), (8, 16), X, rng)
