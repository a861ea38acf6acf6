import json

import numpy as np
import pytest
from PIL import Image

from sphfield.exhibits.ntk import (
    Coefficients,
    OnData,
    OnTheSphere,
    chosen_rows,
    coefficient_facts,
    gram_facts,
    spectrum_facts,
)
from sphfield.exhibits.ntk_sheets import write_coefficients, write_gram, write_spectrum
from sphfield.exhibits.ntk_tables import printed_coefficients, printed_gram, printed_spectrum
from sphfield.exhibits.tangent_kernels import initialisation
from sphfield.networks.activations import CosSin, Gaussian, Hermite, ReLU, Tanh
from sphfield.spectra.kernel_series import DeepKernel


def kernel(sigma, depth=1, **given):
    return DeepKernel(sigma, depth, initialisation(sigma, **given))


def test_coefficients_and_the_rest_make_the_whole_kernel():
    facts = coefficient_facts(Coefficients(kernel(Tanh(), 3), 500))
    b = np.exp([-np.inf if x is None else x for x in facts["log_coefficients"]])
    assert b.sum() + facts["rest"] == pytest.approx(facts["at_one"], rel=1e-12)
    assert facts["percent"][-1] == pytest.approx(100.0, rel=1e-10)
    assert facts["log_coefficients"][0] is None  # an odd kernel
    assert facts["decay"]["family"] == "root"
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_eigenvalues_on_the_sphere_add_up_to_the_kernel_at_one():
    for sigma, dim in ((Gaussian(1.0), 2), (Tanh(), 4)):
        facts = spectrum_facts(OnTheSphere(kernel(sigma, 2), 60, dim))
        total = np.dot(facts["mu"], facts["multiplicity"])
        assert total == pytest.approx(facts["at_one"], rel=1e-10)
        assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_laws_are_expected_for_kernels_with_any_variances():
    facts = spectrum_facts(OnTheSphere(kernel(ReLU(), 1, sigma_w=1.0), 200))
    assert facts["decay"]["expected"][0]["power"] == 3.0
    assert abs(facts["decay"]["power"] - 3.0) < 0.02


def test_the_gram_spectrum_adds_up_and_keeps_its_bounds():
    facts = gram_facts(OnData(kernel(ReLU()), *chosen_rows(None, None, 120, 5, 1)))
    assert sum(facts["eigenvalues"]) == pytest.approx(facts["at_one"], rel=1e-12)
    assert (np.array(facts["lower"]) <= np.array(facts["eigenvalues"]) + 1e-12).all()
    assert (np.array(facts["eigenvalues"]) <= np.array(facts["upper"]) + 1e-12).all()
    assert [b["theorem"] for b in facts["bounds"]][:2] == ["Theorem 4.1", "Theorem 4.3"]
    assert all(b["holds"] for b in facts["bounds"])
    assert facts["multiplets"] is None
    assert facts["data_rank"] == 5


def test_nodes_are_grouped_by_degree():
    facts = gram_facts(OnData(kernel(ReLU()), *chosen_rows(None, 4, None), nside=4))
    assert [row["ell"] for row in facts["multiplets"]] == [0, 1, 2, 4, 6, 8]
    assert facts["multiplets"][1]["mu"] == pytest.approx(1 / 3, rel=1e-12)
    for row in facts["multiplets"]:
        assert row["interval"][0] <= row["shift"] <= row["interval"][1]
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_data_come_from_a_file_from_nodes_or_at_random_and_from_one_of_them(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, [[3.0, 4.0], [0.0, 2.0]])
    assert chosen_rows(str(path), None, None)[0].tolist() == [[0.6, 0.8], [0.0, 1.0]]
    assert chosen_rows(None, 2, None)[0].shape == (48, 3)
    rows, name = chosen_rows(None, None, 7, 4, 3)
    assert rows.shape == (7, 4)
    assert name == "7 uniform directions in R^4, seed 3"
    for none_or_two in ((None, None, None), (str(path), 2, None)):
        with pytest.raises(ValueError, match="give one of --data FILE"):
            chosen_rows(*none_or_two)
    with pytest.raises(ValueError, match="number of rows = 0 is too small"):
        chosen_rows(None, None, 0)


def test_tables_show_zeros_small_numbers_and_laws():
    deep = printed_coefficients(coefficient_facts(Coefficients(kernel(Gaussian(1.0)), 2000)))
    assert "e-600" in deep  # below the range of doubles
    assert "even only" in deep
    relu = printed_coefficients(coefficient_facts(Coefficients(kernel(ReLU()), 2000)))
    assert relu.splitlines()[-2].startswith("b_p ~ p^-1.5")
    assert "Lemma 3.2" in relu.splitlines()[-1]
    assert "faster than any geometric law" in printed_coefficients(
        coefficient_facts(Coefficients(kernel(CosSin(1.0)), 60))
    )
    assert "a polynomial" in printed_coefficients(coefficient_facts(Coefficients(kernel(Hermite(3)), 60)))
    assert "too few" in printed_coefficients(coefficient_facts(Coefficients(kernel(ReLU()), 9)))


def test_a_spectrum_shows_exact_zeros_and_what_no_digit_is_known_of():
    lines = printed_spectrum(spectrum_facts(OnTheSphere(kernel(ReLU()), 12))).splitlines()
    assert lines[6].split()[:3] == ["3", "0", "7"]
    facts = spectrum_facts(OnTheSphere(kernel(ReLU()), 3))
    facts["mu"][2], facts["relative_errors"][2] = 0.0, None
    assert printed_spectrum(facts).splitlines()[5].split()[1] == "?"


def test_a_bound_that_fails_is_told():
    facts = gram_facts(OnData(kernel(ReLU()), *chosen_rows(None, None, 20)))
    assert "FAILS" not in printed_gram(facts)
    facts["bounds"][0]["holds"] = False
    assert "FAILS  Theorem 4.1" in printed_gram(facts)


@pytest.mark.parametrize(
    ("write", "show"),
    [
        (write_coefficients, Coefficients(kernel(ReLU(), 2), 200)),
        (write_spectrum, OnTheSphere(kernel(Tanh()), 60)),
        (write_gram, OnData(kernel(Tanh()), *chosen_rows(None, None, 60))),
        (write_gram, OnData(kernel(ReLU()), *chosen_rows(None, 2, None), nside=2)),
    ],
)
def test_sheets_are_written_with_their_numbers_and_what_made_them(write, show, tmp_path):
    facts = write(tmp_path / "sheet.png", show)
    assert json.loads((tmp_path / "sheet.json").read_text()) == facts
    with Image.open(tmp_path / "sheet.png") as picture:
        assert min(picture.size) > 500
        assert json.loads(picture.info["Source"])["kernel"]["depth"] == show.kernel.depth
