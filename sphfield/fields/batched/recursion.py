r"""Order m and a block of rings in, normalised associated Legendre functions out, two multipoles at each step.

Ishioka's recursion (2018, J. Meteorol. Soc. Japan 96, 241). With x = cos(theta), :math:`\epsilon_\ell^2 = (\ell^2 -
m^2)/(4\ell^2 - 1)` and P the normalised functions, :math:`x P_\ell = \epsilon_{\ell+1} P_{\ell+1} + \epsilon_\ell
P_{\ell-1}`. Applied twice it leads from ell to ell + 2, so that even and odd ell - m could have a recursion each.
Instead, take the odd ones only, divided by x and rescaled,

.. math:: \lambda_j = P_{m+2j+1} / (x\, \alpha_j), \qquad
   \alpha_{j+1} \alpha_j = (-1)^j / (\epsilon_{\ell+2} \epsilon_{\ell+3}), \quad \ell = m + 2j,

with :math:`\alpha_0 = 1/\epsilon_{m+1}`, so that :math:`\lambda_0 = P_{mm}`. This choice makes the last coefficient 1,

.. math:: \lambda_{j+1} = a_j (x^2 - s_j)\, \lambda_j + \lambda_{j-1}, \qquad
   a_j = (-1)^j \alpha_j^2, \quad s_j = \epsilon_{\ell+1}^2 + \epsilon_{\ell+2}^2,

two fused multiply-adds a step, and both parities follow from one lambda:

.. math:: P_{\ell+1} = x\, \alpha_j \lambda_j, \qquad
   P_\ell = \alpha_j \epsilon_{\ell+1} \lambda_j + \alpha_{j-1} \epsilon_\ell \lambda_{j-1}.

Rounding errors of alpha do no harm: they only perturb the recursion's coefficients, each by its own rounding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from sphfield.fields.batched.arithmetic import (
    absolute,
    add,
    fma,
    largest,
    multiply,
    select_greater,
    smallest,
    splat,
    subtract,
)
from sphfield.fields.batched.grid import Rings
from sphfield.fields.batched.layout import RINGS, VECTORS
from sphfield.fields.batched.vectors import Rows, jit, load, rings_at, store, value, write
from sphfield.fields.batched.workspace import Coefficients

__all__ = ["STEPS", "Run", "advance", "advance_scaled", "begin", "coefficients", "next_order", "seed"]

STEPS = 6
"""Steps between two looks at the exponents: lambda grows by 2^16 a step at the most, where m is tens of thousands."""


@jit
def coefficients(m: int, lmax: int, row: int, of: Coefficients) -> None:
    """The coefficients of order m, into number ``row`` of the tables."""
    ells, steps = row * of.ells, row * of.steps
    for ell in range(m + 1, lmax + 5):
        write(of.epsilon, ells + ell, math.sqrt((ell - m) * (ell + m) / (4.0 * ell * ell - 1.0)))
    write(of.epsilon, ells + m, 0.0)
    alpha, sign = 1.0 / value(of.epsilon, ells + m + 1), 1.0
    for j in range((lmax - m) // 2 + 1):
        ell = ells + m + 2 * j
        first, second, third = value(of.epsilon, ell + 1), value(of.epsilon, ell + 2), value(of.epsilon, ell + 3)
        s, a = first * first + second * second, sign * alpha * alpha
        write(of.alpha, steps + j, alpha)
        write(of.slope, steps + j, a)
        write(of.offset, steps + j, -a * s)
        write(of.polar_offset, steps + j, a * (1.0 - s))
        alpha, sign = sign / (second * third * alpha), -sign


@jit
def seed(m: int, block: int, rings: Rings, half: float, start: int) -> None:
    """P_mm of a block as mantissa times 2^(2 half * scale): from its logarithm, since sin(theta)^m underflows."""
    sign = -1.0 if m & 1 else 1.0
    for t in range(RINGS):
        r = block * RINGS + t
        # high parts are multiples of 2^-32, so that their sum is exact and so is its fraction; see `grid.split`
        high = value(rings.norm_high, m) + m * value(rings.sine_high, r)
        low = value(rings.norm_low, m) + m * value(rings.sine_low, r)
        whole = math.floor(high)
        scale = 0.0 if high >= -half else math.floor((high + half) / (2.0 * half))
        mantissa = sign * math.exp2(high - whole + low)
        write(start, t, math.ldexp(mantissa, int(whole - 2.0 * half * scale)))
        write(start, RINGS + t, scale)


@jit
def next_order(m: int, block: int, rings: Rings, half: float, start: Rows) -> None:
    """From P_{m-1,m-1} of a block to P_mm."""
    ratio = -math.sqrt((2.0 * m + 1.0) / (2.0 * m))
    small, zero, one = splat(2.0**-half), splat(0.0), splat(1.0)
    more = splat(2.0 ** (2.0 * half))
    for v in range(VECTORS):
        mantissa, r = load(start, v), block * VECTORS + v
        # the sine in two doubles: its rounding would come back at every order
        product = fma(mantissa, load(rings_at(rings.sine), r), multiply(mantissa, load(rings_at(rings.sine_rest), r)))
        product = multiply(splat(ratio), product)
        size = absolute(product)
        store(start, v, multiply(product, select_greater(small, size, more, one)))
        store(start, VECTORS + v, subtract(load(start, VECTORS + v), select_greater(small, size, one, zero)))


class Run(NamedTuple):
    """The recursion of one order in one block."""

    state: Rows  # lambda_j, lambda_{j-1} and scales
    argument: Rows  # x^2 or -sin^2
    slope: int  # where the coefficients are
    offset: int
    half: float  # what is below 2^-half counts as 0


@jit
def begin(run: Run, start: Rows) -> tuple[bool, bool]:
    """State before the first step; whether all and whether any of the rings are still too small to count."""
    low, high = 0.0, -1.0
    for v in range(VECTORS):
        scale = load(start, VECTORS + v)
        store(run.state, v, load(start, v))
        store(run.state, VECTORS + v, splat(0.0))
        store(run.state, 2 * VECTORS + v, scale)
        low, high = min(low, smallest(scale)), max(high, largest(scale))
    return high < -0.5, low < -0.5


@jit
def advance_scaled(run: Run, first: int, last: int, basis: Rows, row: int) -> tuple[bool, bool]:
    """At most `STEPS` steps where rings need a scale; what is too small to count is written as 0.

    A function that starts at sin(theta)^m = 10^-300 grows to order one within a few hundred steps, and only then
    counts. The return value is that of `begin`.
    """
    zero, one, limit = splat(0.0), splat(1.0), splat(2.0**run.half)
    negative, less = splat(-0.5), splat(2.0 ** (-2.0 * run.half))
    low, high = 0.0, -1.0e9
    for v in range(VECTORS):
        x, scale = load(run.argument, v), load(run.state, 2 * VECTORS + v)
        current, previous = load(run.state, v), load(run.state, VECTORS + v)
        for j in range(first, last):
            store(basis, (row + j - first) * VECTORS + v, select_greater(scale, negative, current, zero))
            following = fma(fma(splat(value(run.slope, j)), x, splat(value(run.offset, j))), current, previous)
            previous, current = current, following
        grown = select_greater(absolute(current), limit, one, zero)
        grown = select_greater(scale, negative, zero, grown)
        factor = select_greater(grown, splat(0.5), less, one)
        scale = add(scale, grown)
        store(run.state, v, multiply(current, factor))
        store(run.state, VECTORS + v, multiply(previous, factor))
        store(run.state, 2 * VECTORS + v, scale)
        low, high = min(low, smallest(scale)), max(high, largest(scale))
    return high < -0.5, low < -0.5


@jit
def advance(run: Run, first: int, last: int, basis: Rows, row: int) -> None:
    """Write lambda_j for first <= j < last to the rows of a chunk; no ring needs a scale any more."""
    for v in range(VECTORS):
        x, current, previous = load(run.argument, v), load(run.state, v), load(run.state, VECTORS + v)
        place = row * VECTORS + v
        for j in range(first, last):
            store(basis, place, current)
            following = fma(fma(splat(value(run.slope, j)), x, splat(value(run.offset, j))), current, previous)
            previous, current = current, following
            place += VECTORS
        store(run.state, v, current)
        store(run.state, VECTORS + v, previous)
