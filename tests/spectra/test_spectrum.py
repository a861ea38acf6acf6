import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.networks.activations import ReLU, Step, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.provenance import describe
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.spectrum import Spectrum

powers = st.lists(st.floats(1e-3, 10), min_size=1, max_size=20).map(np.array)


@given(powers, st.floats(0, 0.9))
def test_the_law_sums_to_one_minus_the_tail(cl, tail):
    assert Spectrum(cl, tail=tail).law.sum() == pytest.approx(1 - tail, rel=1e-13)


@given(powers, st.floats(1e-3, 0.999))
def test_the_effective_support_is_the_smallest_that_holds_the_share(cl, eta):
    s = Spectrum(cl)
    k = s.effective_support(eta)
    assert s.law[k + 1 :].sum() <= eta * (1 + 1e-12)
    assert k == 0 or s.law[k:].sum() > eta * (1 - 1e-12)
    assert s.effective_dimension(eta) == (k + 1) ** 2


def test_small_shares_beyond_are_not_lost_in_rounding():
    s = Spectrum([1.0, 1e-20, 1e-30])
    assert [s.effective_support(eta) for eta in (0.5, 1e-19, 1e-25, 1e-40)] == [0, 0, 1, 2]


def test_a_support_beyond_the_spectrum_names_an_lmax_that_is_enough():
    for network in (Network(Tanh(), 40), Network(Step(), 2)):
        short = angular_spectrum(NNGP(network), 60, method="quadrature")
        with pytest.raises(ValueError, match="compute the spectrum to lmax = ") as refusal:
            short.effective_support(0.01)
        enough = int(str(refusal.value).split()[-1])
        # for the step a power law is extrapolated: right to a factor, hence the second try
        longer = angular_spectrum(NNGP(network), min(2 * enough, 30000), method="quadrature")
        assert longer.tail < 0.01


def test_a_spectrum_is_identified_by_its_recipe_not_by_its_numbers():
    one, two = (angular_spectrum(NNGP(Network(ReLU(), 2)), 32) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != angular_spectrum(NNGP(Network(ReLU(), 3)), 32)
    assert one != angular_spectrum(NNGP(Network(ReLU(), 2)), 33)
    assert "cl" not in describe(one)
    assert describe(one)["kernel"]["network"]["depth"] == 2


def test_a_bare_array_is_identified_by_its_bytes():
    assert Spectrum([1.0, 2.0]) == Spectrum(np.array([1.0, 2.0]))
    assert Spectrum([1.0, 2.0]) != Spectrum([1.0, 2.5])


def test_the_arrays_of_a_spectrum_cannot_be_changed():
    s = Spectrum([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        s.cl[0] = 3.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, -1e-12],), ValueError, "C_ell is -1e-12 at ell = 1"),
        (([1.0, np.nan],), ValueError, "C_ell is nan at ell = 1"),
        (([[1.0]],), ValueError, r"shape \(1, 1\)"),
        (([],), ValueError, r"shape \(0,\)"),
        (([1j],), TypeError, "complex"),
        (([1.0], [0.0, 0.0]), ValueError, r"error has shape \(2,\)"),
        (([1.0], None, 1.0), ValueError, "tail = 1.0"),
        (([1.0], [np.nan]), ValueError, "error is nan at ell = 0"),
        (([1.0], None, 0.0, -1.0), ValueError, "variance = -1.0"),
    ],
)
def test_what_is_no_power_spectrum_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Spectrum(*arguments)


def test_shares_must_be_shares():
    with pytest.raises(ValueError, match=r"eta = 1\.5"):
        Spectrum([1.0]).effective_support(1.5)
    with pytest.raises(ValueError, match="variance 0"):
        _ = Spectrum([0.0, 0.0]).law


def test_logarithms_keep_what_no_double_can_hold():
    logs = np.array([0.0, -800.0, -np.inf])
    s = Spectrum(np.exp(logs), log_cl=logs)
    assert s.cl.tolist() == [1.0, 0.0, 0.0]
    assert s.log_cl.tolist() == logs.tolist()
    assert s.truncated(1).log_cl.tolist() == [0.0, -800.0]
    assert not s.log_cl.flags.writeable


def test_logarithms_are_those_of_the_spectrum_if_none_are_given():
    assert Spectrum([1.0, 0.0, np.e]).log_cl.tolist() == [0.0, -np.inf, 1.0]


def test_logarithms_of_something_else_are_refused():
    with pytest.raises(ValueError, match=r"log_cl is 1.0 at ell = 1: give the logarithms of cl"):
        Spectrum([1.0, 1.0], log_cl=[0.0, 1.0])
    with pytest.raises(ValueError, match=r"log_cl has shape \(1,\)"):
        Spectrum([1.0, 1.0], log_cl=[0.0])
