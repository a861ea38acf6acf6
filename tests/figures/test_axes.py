import subprocess
import sys

from matplotlib.figure import Figure

from sphfield.figures.axes import current


def test_given_axes_are_the_axes():
    ax = Figure().add_subplot()
    assert current(ax) is ax


def test_pyplot_is_imported_only_for_those_who_name_no_axes():
    script = """
import sys
from matplotlib.figure import Figure
from sphfield.figures import mollweide
mollweide(range(12), Figure().add_subplot())
assert "matplotlib.pyplot" not in sys.modules
mollweide(range(12))
assert "matplotlib.pyplot" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
