import json

import numpy as np
import pytest
from PIL import Image

from sphfield.exhibits.single import write_map_file, write_spectrum_file
from sphfield.io import read_map
from sphfield.spectra.spectrum import Spectrum


def test_a_map_is_written_in_the_format_of_its_suffix(tmp_path):
    m = np.arange(48.0)
    write_map_file(tmp_path / "m.fits", m, {"seed": 1}, "a map")
    np.testing.assert_array_equal(read_map(tmp_path / "m.fits"), m)
    write_map_file(tmp_path / "m.png", m, {"seed": 1}, "a map")
    with Image.open(tmp_path / "m.png") as picture:
        assert json.loads(picture.info["Source"]) == {"seed": 1}


def test_an_unknown_suffix_leaves_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="the suffix chooses the format"):
        write_spectrum_file(tmp_path / "s.doc", Spectrum([1.0, 0.5]))
    assert list(tmp_path.iterdir()) == []
