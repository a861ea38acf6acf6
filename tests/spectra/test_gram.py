import numpy as np
import pytest
from catalogue import FINITE, label
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import eigsh

from sphfield.fields.pixels import pixel_centres
from sphfield.networks.activations import GELU, ReLU, Step, Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.gram import gram_spectrum, spectrum_of_gram
from sphfield.spectra.gram_matrix import gram
from sphfield.spectra.kernel_series import ntk_series
from sphfield.spectra.rows import unit_rows

AXES = np.concatenate([np.eye(3), -np.eye(3)])  # the octahedron: the mean of x x^T is 1/3


@st.composite
def data(draw):
    """Unit rows, n up to 60 in up to 12 dimensions: clustered, flat, repeated or none of it."""
    n, d = draw(st.integers(1, 60)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scales = np.exp(-draw(st.floats(0.0, 2.0)) * np.arange(d))
    x = draw(st.floats(0.0, 3.0)) + rng.standard_normal((n, d)) * scales
    return unit_rows(np.repeat(x, 2, axis=0) if draw(st.booleans()) else x)


coefficients = st.lists(st.floats(0.0, 1.0).map(lambda c: 0.0 if c < 0.2 else c), min_size=1, max_size=9).filter(any)
kernels = st.builds(
    lambda kind, sigma, depth, bias: kind(Network(sigma, depth, bias)),
    st.sampled_from([NNGP, NTK]),
    st.sampled_from(FINITE),
    st.integers(0, 4),
    st.sampled_from([0.0, 0.3]),
)


def assert_the_bounds_hold(s):
    assert all(bound.holds for bound in s.bounds()), [str(bound) for bound in s.bounds()]
    assert (s.eigenvalues >= 0).all()
    # n eps k(1) is the rounding of a symmetric eigenvalue problem
    assert (s.eigenvalues >= s.lower * (1 - 1e-13) - s.floor).all()
    assert (s.eigenvalues <= s.upper * (1 + 1e-13) + s.floor).all()
    for eps in (0.05, 0.3, 0.7):
        assert s.outliers(eps) <= 1 / eps
    assert s.eigenvalues.sum() == pytest.approx(s.trace, rel=1e-12)
    assert 1 - 1e-12 <= s.effective_rank <= s.size * (1 + 1e-12)
    assert (s.eigenvalues <= s.trace / np.arange(1, s.size + 1) * (1 + 1e-12)).all()  # Observation 4.2


@settings(max_examples=100)
@given(data(), coefficients)
def test_every_inequality_holds_for_every_series_on_every_data_set(x, c):
    s = gram_spectrum(c, x)
    assert_the_bounds_hold(s)
    # Theorems 4.1 and 4.3 as they are printed, from scratch
    largest = np.linalg.eigvalsh(sum(b * (x @ x.T) ** p for p, b in enumerate(c)))[-1]
    assert largest * (1 + 1e-12) >= c[0] * len(x)
    if len(c) > 1:
        assert largest * (1 + 1e-12) >= c[1] * np.linalg.eigvalsh(x @ x.T)[-1]


@settings(max_examples=100)
@given(data(), kernels)
def test_every_inequality_holds_for_every_network_on_every_data_set(x, kernel):
    s = gram_spectrum(kernel, x)
    assert_the_bounds_hold(s)
    if hasattr(kernel.network.activation, "dual_coefficients"):
        assert s.coefficients.size > 0
        assert s.coefficients.sum() <= s.trace * (1 + 1e-12)


@pytest.mark.parametrize("c", [[0.0, 1.0], [0.2, 1.0], [0.0, 2.0, 0.0, 1.0]], ids=str)
def test_on_an_octahedron_the_theorems_are_equalities_where_they_can_be(c):
    s = gram_spectrum(c, AXES)
    assert s.data_effective_rank == pytest.approx(3.0, rel=1e-14)
    assert s.data_rank == 3
    # odd powers of x_i.x_j are that of the identity, even ones add to a constant: eigenvalue c_odd / 3, three times
    assert s.eigenvalues[:3] == pytest.approx(max(sum(c[1::2]) / 3, c[0]), rel=1e-13)
    limit = {bound.theorem: bound.limit for bound in s.bounds()}["Theorem 4.3"]
    assert s.effective_rank <= limit * (1 + 1e-14)
    if c == [0.0, 1.0]:
        assert s.effective_rank == pytest.approx(limit, rel=1e-14)
        np.testing.assert_allclose(s.upper[:3], [1.0, 0.5, 1 / 3], rtol=1e-14)
        assert s.eigenvalues[2] == pytest.approx(s.upper[2], rel=1e-14)
        assert s.upper[3] == 0.0  # rank 3, exactly


def test_a_constant_kernel_meets_the_first_theorem_with_equality():
    s = gram_spectrum([0.7], unit_rows(np.random.default_rng(0).standard_normal((9, 4))))
    assert s.share == pytest.approx(1.0, rel=1e-14)
    assert s.eigenvalues[0] == pytest.approx(s.lower[0], rel=1e-14)
    assert [bound.theorem for bound in s.bounds()] == ["Theorem 4.1", "Observation 4.2", "Theorem 4.8, explicit"]


@pytest.mark.parametrize("nside", [1, 2, 8, 16])
def test_on_healpix_nodes_the_data_have_effective_rank_three_but_for_the_caps(nside):
    # the sum of z^2 over rings, in closed form: nodes have no cubic symmetry, z^2 averages to less than 1/3
    gap = (5.0 + nside**-2.0) / (324.0 * nside**2)
    s = gram_spectrum([0.0, 1.0], pixel_centres(nside), k=3)
    np.testing.assert_allclose(s.data, [1 / 3 + gap, 1 / 3 + gap, 1 / 3 - 2 * gap], rtol=1e-13)
    np.testing.assert_allclose(s.eigenvalues, s.data, rtol=1e-13)
    assert s.data_effective_rank == pytest.approx(3.0 / (1.0 + 3.0 * gap), rel=1e-13)
    assert s.effective_rank == pytest.approx(s.data_effective_rank, rel=1e-13)


@pytest.mark.parametrize("sigma", [ReLU(), Tanh(), GELU()], ids=label)
def test_lanczos_finds_every_copy_of_the_eigenvalues_that_dense_algebra_finds(sigma):
    kernel, x = NTK(Network(sigma, 2)), pixel_centres(8)  # eightfold symmetric: many eigenvalues are double
    dense, lanczos = (gram_spectrum(kernel, x, 60, method=method) for method in ("dense", "lanczos"))
    assert (dense.method, lanczos.method) == ("dense", "lanczos")
    np.testing.assert_allclose(lanczos.eigenvalues, dense.eigenvalues, rtol=0, atol=dense.floor)
    assert lanczos.trace == dense.trace
    assert lanczos.effective_rank == pytest.approx(dense.effective_rank, rel=1e-12)


def test_an_eigenvalue_that_the_first_search_overlooks_is_found_by_the_next(monkeypatch):
    # three copies of the data at right angles and an odd kernel: every eigenvalue three times, of which one start sees
    # one vector, and the others by rounding only. Here the first search loses the second copy of the largest for sure
    x = unit_rows(np.random.default_rng(0).standard_normal((60, 4)))
    copies, calls = np.kron(np.eye(3), x), []

    def overlooking(operator, k, **options):
        calls.append(k)
        if len(calls) > 1:
            return eigsh(operator, k, **options)
        values, vectors = eigsh(operator, k + 1, **options)
        kept = np.arange(k + 1) != k - 1
        return values[kept], vectors[:, kept]

    monkeypatch.setattr("sphfield.spectra.gram_matrix.eigsh", overlooking)
    found = gram_spectrum([0.0, 1.0, 0.0, 1.0], copies, 4, method="lanczos")
    once = gram_spectrum([0.0, 1.0, 0.0, 1.0], x).eigenvalues / 3
    np.testing.assert_allclose(found.eigenvalues, np.repeat(once, 3)[:4], rtol=0, atol=found.floor)
    assert len(calls) > 1


def test_products_are_the_same_whether_blocks_are_kept_or_not(monkeypatch):
    kernel, x = NTK(Network(ReLU(), 1)), pixel_centres(4)
    whole = gram_spectrum(kernel, x, 9, method="lanczos").eigenvalues
    monkeypatch.setattr("sphfield.spectra.gram_matrix.BLOCK", 50)
    parts = gram_spectrum(kernel, x, 9, method="lanczos").eigenvalues
    monkeypatch.setattr("sphfield.spectra.gram_matrix.HELD", 0)
    np.testing.assert_array_equal(gram_spectrum(kernel, x, 9, method="lanczos").eigenvalues, parts)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_the_gram_matrix_is_symmetric_with_the_variance_on_its_diagonal(monkeypatch):
    monkeypatch.setattr("sphfield.spectra.gram_matrix.BLOCK", 7)
    kernel, x = NNGP(Network(Step(), 2)), unit_rows(np.random.default_rng(2).standard_normal((30, 5)))
    matrix = gram(kernel, x)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diag(matrix), 1.0)
    others = ~np.eye(30, dtype=bool)
    np.testing.assert_allclose(matrix[others], kernel(np.clip(x @ x.T, -1, 1))[others], rtol=1e-13)
    # equal and opposite rows are so exactly, though the root of 1 - u makes 4e-5 of a rounding at depth 2
    twice = gram(kernel, np.concatenate([x, x, -x]))
    np.testing.assert_array_equal(np.diag(twice[:30, 30:60]), 1.0)
    np.testing.assert_array_equal(np.diag(twice[:30, 60:]), kernel(-1.0))


def test_the_first_eigenvalues_have_the_bounds_of_all():
    x = unit_rows(np.random.default_rng(5).standard_normal((80, 6)) + 0.4)
    kernel = NTK(Network(GELU(), 3, 0.1))
    everything, few = gram_spectrum(kernel, x), gram_spectrum(kernel, x, 7)
    np.testing.assert_allclose(few.eigenvalues, everything.eigenvalues[:7], rtol=1e-12)
    np.testing.assert_allclose(few.upper, everything.upper[:7], rtol=1e-12)
    np.testing.assert_allclose(few.lower, everything.lower[:7], rtol=1e-12)


def test_any_matrix_has_the_same_value():
    kernel, x = NTK(Network(Tanh(), 2)), unit_rows(np.random.default_rng(3).standard_normal((20, 4)))
    found = spectrum_of_gram(gram(kernel, x), x)
    np.testing.assert_allclose(found.eigenvalues, gram_spectrum(kernel, x).eigenvalues, rtol=0, atol=found.floor)
    assert [bound.theorem for bound in found.bounds()] == ["Observation 4.2", "Theorem 4.8, explicit"]
    assert not found.lower.any()


def test_kernels_without_coefficients_take_those_given():
    x = unit_rows(np.random.default_rng(4).standard_normal((20, 4)))
    bare, given = (gram_spectrum(np.exp, x, coefficients=c) for c in (None, [1.0, 1.0, 0.5]))
    assert len(bare.bounds()) == 2 < len(given.bounds()) == 4
    assert_the_bounds_hold(bare)
    assert_the_bounds_hold(given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": 2 * AXES}, r"pass unit_rows\(x\)"),
        ({"k": 0}, r"k = 0 must lie in 1 ... 6"),
        ({"k": 7}, r"k = 7 must lie in 1 ... 6"),
        ({"method": "fast"}, "method = 'fast' is not known"),
        ({"coefficients": [0.1, -0.2]}, "coefficient 1 is -0.2: bounds need"),
        ({"coefficients": [np.nan]}, "coefficient 0 is nan"),
        ({"coefficients": [[1.0]]}, r"shape \(1, 1\)"),
        ({"coefficients": [9.0]}, "sum to 9, the kernel is k.1. = 2"),
        ({"kernel": [[1.0]]}, "neither a function nor coefficients"),
        ({"kernel": lambda u: -np.ones_like(u)}, r"k\(1\) = -1.0"),
        ({"kernel": lambda u: 1.0 / (1.0 + u)}, "not finite at u = -1"),
        ({"kernel": lambda u: 1.0 + 3.0 * u**2 * (u < 1)}, "not positive definite on these rows"),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_is_no_gram_matrix_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gram_spectrum(**{"kernel": NTK(Network(ReLU(), 1)), "x": AXES, **arguments})


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match=r"eps = 1.0 must lie in \(0, 1\)"):
        gram_spectrum([1.0], AXES).outliers(1.0)
    with pytest.raises(ValueError, match="all 1 known eigenvalues exceed 0.1 of the trace: ask for a larger k"):
        gram_spectrum([0.0, 1.0], AXES, k=1).outliers(0.1)
    with pytest.raises(ValueError, match=r"the matrix has shape \(2, 2\), x has 6 rows"):
        spectrum_of_gram(np.eye(2), AXES)


def test_a_power_series_is_a_kernel_and_its_own_coefficients():
    x = unit_rows(np.random.default_rng(0).standard_normal((30, 4)))
    series = ntk_series(Tanh(), 2, 400)  # leaves out less than rounding
    found, known = gram_spectrum(series, x), gram_spectrum(NTK(Network(Tanh(), 2)), x)
    np.testing.assert_allclose(found.eigenvalues, known.eigenvalues, atol=1e-12 * known.trace)
    np.testing.assert_allclose(found.coefficients, series.coefficients)


def test_a_bound_is_left_out_where_too_few_eigenvalues_are_known():
    x = unit_rows(np.random.default_rng(0).standard_normal((30, 4)))
    theorems = [bound.theorem for bound in gram_spectrum(NTK(Network(ReLU(), 2)), x, 1).bounds()]
    assert "Theorem 4.1" in theorems
    assert "Observation 4.2" not in theorems
