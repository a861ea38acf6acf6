import json

import numpy as np
import pytest
from PIL import Image

from sphfield.exhibits.law import LawAcrossDepth, law, printed_law, write_law
from sphfield.networks.activations import CosSin, Gaussian, Identity, ReLU, Step, Tanh


def test_the_facts_are_those_of_theory():
    # effective supports of ReLU: a table known to depth 80; E[X^2] + E[X] = 2 in the sparse regime
    facts = law(LawAcrossDepth(ReLU(), (1, 5, 20), etas=(0.1, 0.01, 0.001)))
    assert facts["regime"] == "sparse"
    assert [list(row["support"].values()) for row in facts["depths"]] == [[2, 2, 6], [2, 5, 11], [0, 5, 16]]
    for row in facts["depths"]:
        assert row["mean"] + row["mean_square"] == pytest.approx(2.0, rel=1e-4)
        assert row["dimension"]["0.01"] == (row["support"]["0.01"] + 1) ** 2
        assert row["log_moments"][0] == pytest.approx(np.log(2.0), rel=1e-12)
        assert row["log_moments"][1:] == [None, None]  # infinite
        assert row["cri"] == 1.5
    assert json.loads(json.dumps(facts)) == facts


def test_a_deep_network_is_given_the_multipoles_that_it_needs():
    facts = law(LawAcrossDepth(Tanh(), (60,)))
    (row,) = facts["depths"]
    assert row["support"] == {"0.1": 309, "0.01": 653}
    assert abs(row["predicted"]["0.1"] / 309 - 1) < 0.02
    assert row["beyond_lmax"] < 1e-3


def test_the_sphere_may_have_any_dimension():
    low, high = (law(LawAcrossDepth(Gaussian(2.0), (2,), dim=dim))["depths"][0] for dim in (2, 50))
    # E[X (X + d - 1)] = d kappa'(1)^2
    for dim, row in ((2, low), (50, high)):
        assert row["mean_square"] + (dim - 1) * row["mean"] == pytest.approx(dim * 0.64, rel=1e-4)


def test_fractal_and_linear_networks_have_no_limit_but_a_law():
    facts = law(LawAcrossDepth(Step(), (1, 2), lmax=3000))
    assert facts["depths"][1]["predicted"] == {"0.1": None, "0.01": None}
    assert facts["depths"][1]["cri"] == 0.25
    assert "inf" in printed_law(facts)
    linear = law(LawAcrossDepth(Identity(), (3,)))
    assert linear["depths"][0]["support"]["0.01"] == 1


def test_a_support_that_lmax_does_not_reach_is_not_made_up():
    facts = law(LawAcrossDepth(Tanh(), (40,), lmax=30))
    assert facts["depths"][0]["support"] == {"0.1": None, "0.01": None}
    assert "> 30" in printed_law(facts)


def test_the_sheet_and_the_facts_are_written_with_what_made_them(tmp_path):
    path = tmp_path / "law.png"
    facts = write_law(path, LawAcrossDepth(CosSin(1.0), (1, 3, 9)))
    assert json.loads(path.with_suffix(".json").read_text()) == facts
    with Image.open(path) as picture:
        assert min(picture.size) > 500
        assert '"depths": [1, 3, 9]' in json.dumps(json.loads(picture.info["Source"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depths": ()}, r"depths = \(\): give increasing numbers"),
        ({"depths": (3, 2)}, r"depths = \(3, 2\)"),
        ({"depths": (0, 1)}, "1 or more"),
        ({"etas": (0.1, 1.0)}, "strictly between 0 and 1"),
        ({"lmax": 1}, "lmax = 1 must be 2 or more"),
        ({"dim": 1}, "dim = 1 must lie in 2"),
        ({"bias_var": 1.0}, "bias_var = 1.0"),
    ],
)
def test_what_is_no_law_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        LawAcrossDepth(ReLU(), **change)
