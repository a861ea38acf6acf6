import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from sphfield.cli import main
from sphfield.io import read_cl, read_map, read_provenance
from sphfield.networks.activations import Tanh
from sphfield.networks.kernels import NNGP
from sphfield.networks.network import Network
from sphfield.spectra.angular import angular_spectrum


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_list_shows_every_activation_with_its_regime():
    rows = json.loads(run("list", "--json").output)
    regimes = {row["name"]: row["regime"] for row in rows}
    assert regimes["ReLU"] == "sparse"
    assert regimes["Step"] == "fractal"
    assert all(name in run("list").output for name in regimes)


def test_spectrum_prints_what_python_returns():
    numbers = json.loads(run("spectrum", "tanh", "--depth", 2, "--lmax", 8, "--json").output)
    s = angular_spectrum(NNGP(Network(Tanh(), 2)), 8)
    assert numbers["cl"] == s.cl.tolist()
    assert numbers["error"] == s.error.tolist()
    table = run("spectrum", "tanh", "--depth", 2, "--lmax", 8).output.splitlines()
    assert float(table[2].split()[1]) == s.cl[1]


def test_unknown_digits_are_null_in_json():
    numbers = json.loads(run("spectrum", "cosine", "--depth", 1, "--lmax", 400, "--json").output)
    assert None in numbers["error"]


def test_the_route_can_be_chosen_and_is_named():
    assert "by radial" in run("spectrum", "relu", "--depth", 1, "--lmax", 4, "--method", "radial").output
    assert "by contour" in run("spectrum", "relu", "--lmax", 4).output


def test_what_no_double_can_hold_is_printed_from_its_logarithm():
    row = run("spectrum", "gaussian:1", "--depth", 1, "--lmax", 1000).output.splitlines()[-2]
    assert row.split()[1].startswith("8.98400674")
    assert row.split()[1].endswith("e-575")


@pytest.mark.parametrize("suffix", ["fits", "csv", "txt", "png", "pdf", "svg"])
def test_spectrum_writes_the_format_of_the_suffix(tmp_path, suffix):
    path = tmp_path / f"s.{suffix}"
    assert run("spectrum", "relu", "--lmax", 16, "-o", path).exit_code == 0
    head = path.read_bytes()[:300]
    marks = {"fits": b"SIMPLE", "csv": b"# {", "txt": b"# {", "png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    assert head.startswith(marks[suffix])
    if suffix == "fits":
        assert read_cl(path).size == 17
    if suffix == "csv":
        assert np.loadtxt(path, delimiter=",", skiprows=2).shape == (17, 3)


def test_map_writes_a_map_that_can_be_drawn_again_from_its_header(tmp_path):
    one, two = tmp_path / "one.fits", tmp_path / "two.fits"
    assert run("map", "gelu", "-L", 4, "--seed", 3, "--nside", 16, "-o", one).exit_code == 0
    recipe = read_provenance(one)
    assert (recipe["seed"], recipe["nside"], recipe["lmax"]) == (3, 16, 32)
    network = recipe["sampler"]["spectrum"]["kernel"]["network"]
    again = run("map", "gelu", "-L", network["depth"], "--seed", recipe["seed"], "--nside", 16, "-o", two)
    assert again.exit_code == 0
    np.testing.assert_array_equal(read_map(one), read_map(two))


def test_a_function_of_the_working_folder_is_an_activation(tmp_path):
    (tmp_path / "mine.py").write_text("import numpy as np\n\ndef bump(z):\n    return z * np.exp(-z * z)\n")
    done = subprocess.run(
        [sys.executable, "-c", "from sphfield.cli import main; main()", "spectrum", "mine:bump", "--lmax", "3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 6


BAD = [
    (["spectrum", "tahn"], "did you mean tanh"),
    (["spectrum", "relu", "--depth", "-1"], "depth = -1"),
    (["spectrum", "relu", "--bias-var", "1"], "bias_var = 1.0"),
    (["spectrum", "relu", "--lmax", "-2"], "lmax = -2"),
    (["spectrum", "tanh", "--method", "contour"], "needs a kernel known for complex arguments"),
    (["spectrum", "sine", "--depth", "200"], "spread over multipoles up to about"),
    (["spectrum", "relu", "-o", "s.doc"], "the suffix chooses the format"),
    (["spectrum", "relu", "-o", "missing/folder/s.csv"], "choose an existing folder"),
    (["spectrum", "gaussian:-2"], "a = -2.0 must be positive"),
    (["spectrum", "nowhere:f"], "cannot import 'nowhere'"),
    (["spectrum", "numpy:zeros_like"], "0 everywhere"),
    (["spectrum", "numpy:sum"], "each element"),
    (["spectrum", "numpy:log"], "must be finite"),
    (["map", "relu", "--nside", "48", "-o", "m.fits"], "nside = 48 is not a power of two"),
    (["map", "relu", "--nside", "16", "--lmax", "48", "-o", "m.fits"], "nside >= 32"),
    (["map", "relu", "--index", "-1", "-o", "m.fits"], "-1"),
    (["map", "relu", "--seed", "-1", "-o", "m.fits"], "seed = -1"),
    (["map", "relu", "-o", "missing/m.fits"], "choose an existing folder"),
    (["gallery", "--depths", "1,two"], "--depths '1,two'"),
    (["gallery", "--depths", "1,-2"], "depth = -2"),
    (["gallery", "--lmax", "1"], "lmax = 1"),
    (["gallery", "--nside", "7"], "nside = 7"),
    (["gallery", "--check", "-3"], "check = -3"),
]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")  # numpy.log's own
@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_bad_input_is_one_line_and_exit_code_two(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_gallery_cannot_be_written_over_a_file(tmp_path):
    (tmp_path / "taken").write_text("mine")
    result = run("gallery", "-o", tmp_path / "taken")
    assert result.exit_code == 2
    assert "choose another with -o" in result.output
    assert (tmp_path / "taken").read_text() == "mine"


def test_law_prints_supports_and_their_predictions(tmp_path):
    facts = json.loads(run("law", "tanh", "--depths", "1,20", "--json").output)
    assert [row["support"]["0.01"] for row in facts["depths"]] == [3, 25]
    lines = run("law", "tanh", "--depths", "1,20").output.splitlines()
    assert lines[0].startswith("Tanh on S^2: high-disorder")
    assert lines[-1].split()[6] == "25"
    # a depth on another sphere, and another share
    other = json.loads(run("law", "relu", "--depths", "2", "--dim", 9, "--eta", 0.5, "--json").output)
    assert list(other["depths"][0]["support"]) == ["0.5"]
    assert run("law", "relu", "--depths", "2,1").exit_code == 2


def test_spectra_on_other_spheres_go_into_tables_but_not_into_healpys_files(tmp_path):
    assert "by contour" in run("spectrum", "relu", "--dim", 9, "--lmax", 4).output
    refused = run("spectrum", "relu", "--dim", 9, "--lmax", 4, "-o", tmp_path / "cl.fits")
    assert refused.exit_code == 2
    assert not list(tmp_path.iterdir())
