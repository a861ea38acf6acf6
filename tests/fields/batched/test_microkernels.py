"""Tiles fit the registers they are made for."""

from __future__ import annotations

import pytest

from sphfield.fields.batched.layout import CHUNK, RINGS
from sphfield.fields.batched.microkernels import tile_for

REGISTERS = {"+avx2,+fma,+avx512f": 32, "+sse2,+avx,+avx2,-avx512f": 16, "+neon": 32, "+sse2": 16, "": 16}


@pytest.mark.parametrize("features", REGISTERS)
def test_sums_and_what_is_multiplied_fit_the_registers(features: str) -> None:
    tile = tile_for(features)
    # all scalars and one vector after the other
    assert tile.rows * tile.vectors + tile.rows + 1 <= REGISTERS[features]
    assert tile.rows * tile.vectors >= 8  # two multiply-adds a cycle, four cycles each


@pytest.mark.parametrize("features", REGISTERS)
def test_blocks_and_chunks_are_whole_tiles(features: str) -> None:
    rows = tile_for(features).rows
    assert RINGS % rows == 0
    assert CHUNK % rows == 0


def test_only_features_that_are_there_count() -> None:
    assert tile_for("+avx2,-avx512f").bytes == 32
    assert tile_for("-avx,-avx2,-avx512f").bytes == 16
