import json

import numpy as np
import pytest
from click.testing import CliRunner

from sphfield.cli import main
from sphfield.networks.activations import ReLU, Tanh
from sphfield.networks.initialisation import Initialisation, edge_of_chaos
from sphfield.networks.network import Network
from sphfield.networks.ntk import NTK
from sphfield.spectra.angular import angular_spectrum
from sphfield.spectra.kernel_series import nngp_series, ntk_series


def run(*arguments):
    return CliRunner().invoke(main, ["ntk", *map(str, arguments)])


def facts(*arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def coefficients(*arguments):
    logs = facts("coefficients", *arguments, "-n", 40)["log_coefficients"]
    return np.exp([-np.inf if x is None else x for x in logs])


def test_coefficients_are_those_of_python():
    np.testing.assert_array_equal(coefficients("relu", "-L", 3), ntk_series(ReLU(), 3, 40).coefficients)
    init = edge_of_chaos(Tanh(), 0.3)
    found = coefficients("tanh", "-L", 2, "--edge-of-chaos", "--gamma-b", 0.3)
    np.testing.assert_allclose(found, ntk_series(Tanh(), 2, 40, init).coefficients, rtol=1e-14)
    given = ("--gamma-w", 0.8, "--gamma-b", 0.6, "--sigma-w", 1.1, "--sigma-b", 0.2, "--nngp")
    init = Initialisation(0.8, 0.6, 1.1, 0.2)
    np.testing.assert_array_equal(coefficients("tanh", *given), nngp_series(Tanh(), 1, 40, init).coefficients)


def test_the_papers_convention_gives_its_table():
    found = facts("coefficients", "relu", "--sigma-w", 1, "--gamma-b", 0.5**0.5, "--convention", "paper")
    assert [round(x, 3) for x in found["percent"][:6]] == [52.277, 82.582, 93.192, 94.077, 95.403, 95.801]


def test_the_spectrum_is_that_of_python_on_any_sphere():
    for dim in (2, 7):
        found = facts("spectrum", "relu", "-L", 2, "--lmax", 9, "--dim", dim)
        s = angular_spectrum(NTK(Network(ReLU(), 2)), 9, dim=dim)
        assert np.dot(found["mu"], found["multiplicity"]) == pytest.approx(s.law.sum() * 3.0, rel=1e-12)
        assert found["percent"][-1] == pytest.approx(100.0 * s.law.sum(), rel=1e-12)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv"])
def test_the_gram_matrix_is_that_of_the_users_data(suffix, tmp_path):
    x, path = np.random.default_rng(0).standard_normal((30, 4)), tmp_path / f"x{suffix}"
    writers = {".npy": np.save, ".npz": np.savez, ".csv": lambda p, a: np.savetxt(p, a, delimiter=",", fmt="%.17g")}
    writers[suffix](path, x)
    found = facts("gram", "relu", "--data", path)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    exact = np.linalg.eigvalsh(NTK(Network(ReLU(), 1))(np.clip(unit @ unit.T, -1, 1)) / 30)[::-1]
    # a kink: rounding of u near 1 enters by its root
    np.testing.assert_allclose(found["eigenvalues"], exact, atol=1e-7)
    assert found["data"] == str(path)


def test_nodes_are_grouped_by_degree_and_few_eigenvalues_are_enough():
    assert "by degree" in run("gram", "relu", "--healpix", 4).output
    found = facts("gram", "tanh", "--random", 60, "--dim", 5, "--seed", 3, "-k", 7)
    assert len(found["eigenvalues"]) == 7
    again = facts("gram", "tanh", "--random", 60, "--dim", 5, "--seed", 3, "-k", 7)
    assert again["eigenvalues"] == found["eigenvalues"]


def test_tables_are_printed_and_figures_written_with_their_numbers(tmp_path):
    for words in (("coefficients", "gelu"), ("spectrum", "gelu"), ("gram", "gelu", "--random", 40)):
        path = tmp_path / f"{words[0]}.png"
        result = run(*words, "-o", path)
        assert result.exit_code == 0, result.output
        assert result.output.startswith("tangent kernel of GELU, 1 hidden layer; gamma_w = 1, gamma_b = 0")
        assert path.stat().st_size > 10_000
        assert json.loads(path.with_suffix(".json").read_text())["activation"] == "GELU"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gram", "relu"), "give one of --data FILE, --healpix NSIDE and --random N"),
        (("gram", "relu", "--healpix", 3), "nside = 3 is not a power of two"),
        (("gram", "relu", "--data", "missing.npy"), "missing.npy"),
        (("gram", "relu", "--random", 5, "-k", 9), "k = 9 must lie in 1 ... 5"),
        (("coefficients", "step"), "the activation jumps"),
        (("coefficients", "relu", "-n", 0), "number of coefficients = 0 is too small"),
        (("coefficients", "sigmoid", "--edge-of-chaos"), "has no edge of chaos"),
        (("coefficients", "relu", "--sigma-w", 2), "use sigma_w <= 1.41"),
        (("coefficients", "relu", "-o", "x.txt"), "the suffix chooses the format"),
        (("spectrum", "relu", "--dim", 1), "dim = 1"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(words, message):
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_bound_that_fails_ends_with_code_one(monkeypatch):
    from sphfield.exhibits import ntk

    kept = ntk.gram_facts

    def broken(show, eps):
        found = kept(show, eps)
        found["bounds"][0]["holds"] = False
        return found

    monkeypatch.setattr(ntk, "gram_facts", broken)
    assert run("gram", "relu", "--random", 10).exit_code == 1
