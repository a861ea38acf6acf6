from itertools import pairwise

import numpy as np
import pytest

from sphfield.exhibits import reproduce, tangent_experiments, tangent_paper, tangent_sheets, tangent_spectra
from sphfield.exhibits.checks import failures, table
from sphfield.networks.activations import Gaussian, Identity, ReLU, Tanh
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.kernel_series import ntk_series

NUMBER = "2211.07844"


def test_the_printed_table_is_reproduced_to_all_digits():
    checks = tangent_paper.table_checks()
    assert failures(checks) == [], table(checks)
    assert sum(c.passed is True for c in checks) == 8
    # the exact treatment of biases is another table
    assert all(c.passed is None and c.expected != c.found for c in checks if c.what.startswith(" "))


def test_one_wrong_digit_of_the_table_fails(monkeypatch):
    wrong = {ReLU(): tangent_paper.TABLE[ReLU()].replace("95.800863", "95.800864")}
    monkeypatch.setattr(tangent_paper, "TABLE", wrong)
    assert [c.passed for c in tangent_paper.table_checks()] == [False, None, True]


def test_the_published_percentages_end_where_theta_of_one_does():
    # the coefficients in both conventions add up to 1 + sigma_w^2 E[sigma'^2]
    for gamma in (0.0, 0.5):
        for convention in ("paper", "exact"):
            kernel = tangent_experiments.table_kernel(Tanh(), gamma, convention)
            assert tangent_paper.percentages(kernel, 64)[-1] == pytest.approx(100.0, abs=1e-4)
            network = Network(Tanh(), 1)
            assert kernel.at_one == pytest.approx(1.0 + network.slope * network.activation_variance, rel=1e-12)


def test_truncation_and_decay_are_as_printed_and_proven():
    for checks in (tangent_paper.truncation_checks(), tangent_paper.decay_checks()):
        assert failures(checks) == [], table(checks)


def test_the_code_loses_what_its_outer_sum_leaves_out():
    # without a constant in the first layer's kernel nothing is lost, for depth 1 in particular
    code = tangent_experiments.truncated_by_the_code
    np.testing.assert_allclose(code(ReLU(), 1, 20), ntk_series(ReLU(), 1, 20).coefficients, rtol=1e-12)
    exact = ntk_series(ReLU(), 3, 20).coefficients
    assert (code(ReLU(), 3, 20)[exact > 0] < exact[exact > 0]).all()
    # tanh has no constant
    odd, exact = code(Tanh(), 3, 20), ntk_series(Tanh(), 3, 20).coefficients
    np.testing.assert_allclose(odd[1::2], exact[1::2], rtol=1e-12)


def test_fits_recover_the_laws_that_they_are_of():
    index = np.arange(1.0, 701.0)
    assert tangent_experiments.fitted_power(3.0 * index**-1.5, 100, 500) == pytest.approx(-1.5)
    law = 0.2 * index**-0.75 * 1.3 ** -(index**0.7)
    assert tangent_experiments.fitted_base(law, 100, 600, 0.75, 0.7) == pytest.approx(1.3)


def test_the_gradient_in_torchs_parametrisation_is_that_of_differences():
    rng, x = np.random.default_rng(0), np.random.default_rng(1).standard_normal((3, 4))
    width, depth = 5, 2
    sizes = [4, width, width, 1]

    def layers(rng):
        pairs = pairwise(sizes)
        return [(rng.uniform(-1, 1, (n, m)) / n**0.5, rng.uniform(-1, 1, m) / n**0.5) for n, m in pairs]

    def output(parameters):
        out, at = x, 0
        for i, (n, m) in enumerate(pairwise(sizes)):
            weights, at = parameters[at : at + n * m].reshape(n, m), at + n * m
            bias, at = parameters[at : at + m], at + m
            out = out @ weights + bias
            out = np.tanh(out) if i < depth else out
        return out[:, 0]

    flat = np.concatenate([part.ravel() for pair in layers(rng) for part in pair])
    steps = 1e-5 * np.eye(flat.size)
    jacobian = np.stack([(output(flat + h) - output(flat - h)) / 2e-5 for h in steps], axis=1)
    found = tangent_experiments._default_gram(Tanh(), depth, x, np.random.default_rng(0), width=width)
    np.testing.assert_allclose(found, jacobian @ jacobian.T, rtol=1e-7)


def test_laws_and_nodes_on_the_sphere_are_as_proven():
    checks = [*tangent_spectra._laws_on_the_sphere(), *tangent_spectra._nodes()]
    assert failures(checks) == [], table(checks)


def test_all_bounds_hold_and_theorem_4_5_is_measured():
    checks = tangent_spectra.bound_checks()
    assert failures(checks) == [], table(checks)
    theorems = {c.what.partition(":")[0] for c in checks}
    assert {"Theorem 4.1", "Theorem 4.3", "Observation 4.2", "Theorem 4.8, explicit"} <= theorems


@pytest.fixture
def smaller(monkeypatch):
    """The experiments at a size that takes a second."""
    monkeypatch.setattr(tangent_experiments, "TRIALS", 2)
    monkeypatch.setattr(tangent_spectra, "WIDE", 4000)
    monkeypatch.setattr(tangent_sheets, "WIDE", 4000)
    for cached in (
        tangent_experiments.gaussian_data,
        tangent_experiments.on_nodes,
        tangent_experiments.on_random_points,
    ):
        cached.cache_clear()
    yield monkeypatch
    for cached in (
        tangent_experiments.gaussian_data,
        tangent_experiments.on_nodes,
        tangent_experiments.on_random_points,
    ):
        cached.cache_clear()


def test_gaussian_data_have_the_published_spectra(smaller):
    # ratios are read off a figure to a few percent; of two trials each scatters by 10 % at most
    checks = tangent_spectra.data_checks()
    assert failures(checks) == [], table(checks)
    smaller.setattr(tangent_spectra, "PUBLISHED_RATIOS", {(Identity(), 5): 0.8})
    assert tangent_spectra.data_checks()[0].passed is False


def test_narrow_networks_have_steeper_spectra_than_the_published_ones(smaller):
    checks = {c.what: c for c in tangent_spectra._published_fits()}
    assert checks["fit of ReLU, index 100 ... 500: power"].passed
    # with 4000 units in place of 160 000 the published slope of the Gaussian is missed, upwards
    gauss = checks["fit of omega_1, width 4000, index^(1/2): a"]
    assert gauss.passed is False
    assert float(gauss.found) > 9.46


def test_every_figure_is_drawn(smaller):
    smaller.setattr(tangent_experiments, "POINTS", 1600)
    paper = reproduce.PAPERS[NUMBER]
    for draw in paper.sheets.values():
        figure, caption = draw(None)
        assert len(figure.axes) >= 2
        assert all(ax.has_data() and ax.get_xlabel() for ax in figure.axes[-2:])
        assert caption.endswith(".")
    (fill,) = paper.tables.values()
    head, first, *rest = fill().splitlines()
    assert head.split(",")[:4] == ["activation", "T", "printed", "computed"]
    assert first.startswith("ReLU,0,52.276996,52.27699")
    assert len(rest) == 23


def test_errors_cut_as_in_the_code_are_those_of_the_published_figure():
    figure, _ = tangent_sheets.truncation_sheet()
    left, right = ({line.get_label(): line.get_ydata() for line in ax.get_lines()} for ax in figure.axes)
    np.testing.assert_allclose(left["T = 5, 1 hidden"], right["T = 5, 1 hidden"], atol=1e-15)
    middle = tangent_paper.RHO.size // 2
    assert left["T = 50, 5 hidden"][middle] < 1e-14
    assert 4e-12 < right["T = 50, 5 hidden"][middle] < 8e-12
    theta = NTK(Network(ReLU(), 5))
    ends = float(theta(1.0)) - ntk_series(ReLU(), 5, 5).coefficients.sum()
    assert left["T = 5, 5 hidden"][-1] == pytest.approx(ends, rel=1e-12)


@pytest.mark.slow
def test_the_published_fits_are_those_of_width_160000():
    checks = list(tangent_spectra._published_fits())
    assert failures(checks) == [], table(checks)


def test_the_gaussian_of_the_paper_is_a_density():
    kernel = tangent_experiments.table_kernel(Gaussian(1.0), 0.0, "exact")
    # E[omega_1^2] = 1 / (2 pi sqrt(3))
    assert 1.0 - kernel.initialisation.sigma_b**2 == pytest.approx(1.0 / (2.0 * np.pi * np.sqrt(3.0)), rel=1e-12)
