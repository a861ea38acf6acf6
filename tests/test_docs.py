"""The documentation keeps up with the package."""

from __future__ import annotations

import inspect
from pathlib import Path

import sphfield

PAGES = (Path(__file__).parents[1] / "docs" / "api").glob("*.md")


def test_every_public_name_has_its_place_in_the_api_pages() -> None:
    public = [getattr(sphfield, name) for name in sphfield.__all__]
    homes = {thing.__module__ for thing in public if not inspect.ismodule(thing)}
    listed = {word for page in PAGES for word in page.read_text(encoding="utf-8").split()}
    assert homes <= listed
