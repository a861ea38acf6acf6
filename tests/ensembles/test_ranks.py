from collections import Counter
from itertools import permutations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sphfield.ensembles.ranks import ranks, ranks_apart


@given(arrays.arrays(np.float64, st.integers(3, 40), elements=st.floats(-1e9, 1e9), unique=True), st.integers(1, 2))
def test_the_rank_is_the_number_of_reference_values_below(pooled, n):
    tests, reference = pooled[:n], pooled[n:]
    assert ranks(tests, reference).tolist() == [int((reference < x).sum()) for x in tests]


def test_components_are_ranked_one_by_one():
    rng = np.random.default_rng(1)
    tests, reference = rng.random((5, 2, 3)), rng.random((7, 2, 3))
    found = ranks(tests, reference)
    for at in np.ndindex(2, 3):
        np.testing.assert_array_equal(
            found[(slice(None), *at)], ranks(tests[(slice(None), *at)], reference[(slice(None), *at)])
        )


def test_distinct_values_do_not_need_the_generator():
    rng = np.random.default_rng(1)
    tests, reference = rng.random((5, 3)), rng.random((7, 3))
    np.testing.assert_array_equal(ranks(tests, reference, rng), ranks(tests, reference))


def test_infinite_values_have_their_place():
    assert ranks([-np.inf, 0.5, np.inf], [0.0, 1.0]).tolist() == [0, 1, 2]


def test_ties_broken_at_random_give_every_rank_the_same_probability():
    # all values equal: the ranks of 2 tests among 3 reference values are those of a random permutation of five
    drawn, rng = 6000, np.random.default_rng(3)
    found = Counter(tuple(ranks([7.0, 7.0], [7.0, 7.0, 7.0], rng).tolist()) for _ in range(drawn))
    orders = Counter(
        tuple(sum(order.index(r) < order.index(t) for r in (2, 3, 4)) for t in (0, 1))
        for order in permutations(range(5))
    )
    assert set(found) == set(orders)
    for pair, ways in orders.items():
        p = ways / 120
        # 4.5 binomial errors at 16 pairs: false alarm 1e-4
        assert abs(found[pair] / drawn - p) < 4.5 * np.sqrt(p * (1 - p) / drawn)
    assert sum(orders.values()) == comb(5, 2) * 2 * 6


@given(st.floats(0.001, 0.999), st.integers(1, 5000))
def test_the_coverage_between_ranks_is_the_nearest_to_the_level(level, m):
    if level > (m - 1) / (m + 1):
        with pytest.raises(ValueError, match=f"{m} simulations have no .* interval: draw"):
            ranks_apart(level, m)
    else:
        k = ranks_apart(level, m)
        assert 1 <= k <= m - 1
        others = np.arange(1, m) / (m + 1)
        assert abs(k / (m + 1) - level) <= np.abs(others - level).min() + 1e-12


@pytest.mark.parametrize(("level", "needed"), [(0.95, 39), (0.68, 6), (0.99, 199), (0.9, 19)])
def test_as_many_simulations_are_asked_for_as_suffice(level, needed):
    with pytest.raises(ValueError, match=f"{needed - 1} simulations have no {level} interval: draw {needed} or more"):
        ranks_apart(level, needed - 1)
    assert ranks_apart(level, needed) == needed - 1


def test_a_map_on_both_sides_is_found():
    rows = np.random.default_rng(1).random((12, 3))
    with pytest.raises(
        ValueError, match="row 0 of the reference and row 4 of the values are equal: the same map twice"
    ):
        ranks(rows[:5], rows[4:])
    with pytest.raises(ValueError, match="row 0 of the values and row 2 of the values are equal"):
        ranks(rows[[0, 1, 0]], rows[4:])


def test_tied_values_are_named_with_the_remedy():
    tests, reference = np.array([[0.1, 5.0], [0.2, 6.0]]), np.array([[0.3, 6.0], [0.4, 7.0]])
    message = "row 0 of the reference and row 1 of the values are both 6 in component 1: .* give rng="
    with pytest.raises(ValueError, match=message):
        ranks(tests, reference)
    assert ranks(tests, reference, np.random.default_rng(1)).shape == (2, 2)
    with pytest.raises(ValueError, match="are both 2: is it the same map twice"):
        ranks([1.0, 2.0], [2.0, 3.0])


@pytest.mark.parametrize(
    ("tests", "reference", "message"),
    [
        ([0.1, np.nan], [0.2, 0.3], "row 1 of values is NaN: see what the statistic makes of that realisation"),
        ([[0.1, 0.2]], [[0.2, np.nan]], "row 0 of the reference is NaN in component 1"),
        ([[0.1, 0.2]], [[0.2, 0.3, 0.4]], r"values have shape \(1, 2\) and the reference has \(1, 3\): give the same"),
        ([], [1.0], r"shape \(0,\)"),
        (1.0, [1.0], r"shape \(\)"),
    ],
)
def test_what_cannot_be_ranked_is_refused(tests, reference, message):
    with pytest.raises(ValueError, match=message):
        ranks(tests, reference)
