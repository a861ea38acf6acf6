import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sphfield.spectra.factorials import stirling_rest


def exact(x):
    with mp.workdps(40):
        x = mp.mpf(x)
        return float(mp.loggamma(x + 1) - (x * mp.log(x) if x else 0) + x)


@given(st.integers(0, 10**7))
def test_it_is_what_factorials_have_beside_their_large_parts(twice):
    # absolute: the value is 1/2 log(2 pi x) and 1/12 x
    assert float(stirling_rest(0.5 * twice)) == pytest.approx(exact(0.5 * twice), rel=2e-15, abs=4e-16)


@pytest.mark.parametrize("x", [0.0, 0.5, 1.0, 15.5, 16.0, 16.5])
def test_table_and_series_meet(x):
    assert float(stirling_rest(x)) == pytest.approx(exact(x), rel=1e-15, abs=4e-16)


def test_arrays_keep_their_shape():
    assert stirling_rest(np.zeros((2, 3))).tolist() == [[0.0] * 3] * 2
