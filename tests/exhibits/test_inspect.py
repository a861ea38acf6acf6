import json

import numpy as np
import pytest
from catalogue import CATALOGUE, label
from click.testing import CliRunner

from sphfield.cli import main
from sphfield.exhibits.inspect import inspect, printed, write_inspection
from sphfield.networks.activations import GELU, Sigmoid, Step, Tanh


def swish(z):
    """An activation in three lines, as a reader of the documentation would write it."""
    return z / (1.0 + np.exp(-z))


def test_the_facts_of_tanh():
    facts = inspect(Tanh(), (1, 20), lmax=128)
    assert facts["regime"] == "high-disorder"
    assert facts["variance"] == pytest.approx(0.394294490397841, rel=1e-14)
    assert facts["critical_bias"] == pytest.approx(0.150965, abs=1e-6)
    assert facts["fixed_point"] == 0.0
    assert facts["cri"] is None
    assert facts["depths"][1]["support"] == {"0.1": 11, "0.01": 25}


@pytest.mark.parametrize("sigma", CATALOGUE, ids=label)
def test_every_activation_fits_on_a_screen_and_in_json(sigma):
    facts = inspect(sigma, (1, 3), lmax=40)
    assert json.loads(json.dumps(facts)) == facts
    lines = printed(facts).splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 120


def test_infinite_and_undefined_numbers_are_said_in_words():
    assert "slope kappa'(1)                infinite" in printed(inspect(Step(), (1,), lmax=20))
    assert "none: low-disorder" in printed(inspect(Sigmoid(), (1,), lmax=20))


def test_an_own_activation_goes_through_the_command_line(tmp_path, monkeypatch):
    (tmp_path / "readers_own.py").write_text("import numpy as np\n\ndef f(z):\n    return z / (1.0 + np.exp(-z))\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    result = CliRunner().invoke(main, ["inspect", "readers_own:f", "--depths", "1,2", "--lmax", "32"])
    assert result.exit_code == 0, result.output
    assert "f: high-disorder" in result.output
    assert sorted(p.name for p in tmp_path.glob("inspect-*")) == [
        "inspect-readers-own-f.json",
        "inspect-readers-own-f.png",
    ]
    ours = json.loads((tmp_path / "inspect-readers-own-f.json").read_text())
    silu = inspect(CATALOGUE[[type(s).__name__ for s in CATALOGUE].index("SiLU")], (1, 2), lmax=32)
    assert ours["slope"] == pytest.approx(silu["slope"], rel=1e-13)


def test_nothing_is_left_where_the_picture_has_no_format(tmp_path):
    with pytest.raises(ValueError, match="the suffix chooses the format"):
        write_inspection(tmp_path / "a.doc", GELU(), (1,), lmax=16)
    assert list(tmp_path.iterdir()) == []
