"""What every test shares: Hypothesis without deadlines, figures without a screen, the reference numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# deadlines measure the machine; in CI the same examples every time, so that a red run is about the change
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# read by matplotlib at its first import, which few tests need
os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture(scope="session", autouse=True)
def weights_of_this_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Pixel weights that are solved are kept here, not in the cache folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPHFIELD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Any]:
    """`reference("spectra")` is the content of spectra.json: numbers of 30 digits and more, certified elsewhere."""

    def load(name: str) -> Any:
        path = ROOT.parent / "shared" / "reference" / f"{name}.json"
        if not path.exists():
            pytest.skip(f"{name}.json is not beside this checkout")
        return json.loads(path.read_text(encoding="utf-8"))

    return load
