import numpy as np
import pytest

from sphfield.networks import activations
from sphfield.networks.activations import CosSin, Gaussian, LeakyReLU, ReLU
from sphfield.networks.names import activation


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", ReLU()),
        ("ReLU", ReLU()),
        ("leaky_relu:0.3", LeakyReLU(0.3)),
        ("LeakyReLU", LeakyReLU(0.01)),
        ("cos+sin:2", CosSin(2.0)),
        ("gaussian", Gaussian(2.0)),
        ("numpy:arctan", np.arctan),
    ],
)
def test_names_are_understood_in_any_spelling(name, expected):
    assert activation(name) == expected


def test_every_catalogue_name_is_understood():
    for name in activations.__all__:
        assert callable(activation(name))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tahn", "did you mean tanh"),
        ("qqqq", "known are"),
        ("leaky_relu:much", "leakyrelu:SLOPE"),
        ("relu:1", "does not fit relu"),
        ("gaussian:-1", "a = -1.0 must be positive"),
        ("gaussian:nan", "must be positive and finite"),
        ("leaky_relu:inf", "must be finite"),
        ("no_such_module:f", "cannot import 'no_such_module'"),
        ("numpy:no_such", "has no 'no_such'"),
        ("numpy:pi", "is a float"),
    ],
)
def test_a_wrong_name_says_what_to_write(name, message):
    with pytest.raises(ValueError, match=message):
        activation(name)
