"""Power series with non-negative coefficients: two series in, their product or composition out.

All terms are positive, so every coefficient keeps its *relative* accuracy, however small it is: products are direct
convolutions, never FFTs, whose error is relative to the largest coefficient. What would leave the range of doubles is
kept in it by a tilt, F(u) -> F(r u) / r, which commutes with composition: see `tilt`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sphfield.typing import Array

__all__ = ["composed", "composition_cost", "iterated", "padded", "product", "tilt", "tilted", "untilted"]

_BLOCK = 64  # matrices of 64 x 64: small enough that no BLAS starts threads, which collapse on a busy machine
_GROUP = 8  # series that are multiplied together, cut to the length of the longest
_FLUSH = 1e-300  # what is smaller has lost digits, or is about to


def composed(outer: Array, inner: Array, n: int) -> Array:
    """Coefficients of outer(inner(u)) for powers below n; shape (n,), or (k, n) for k outer series of shape (k, m).

    Outer series that are composed with the same inner one together share the powers of it. The constant term of
    `inner` may be positive: then every power of `outer` reaches every coefficient, and what `outer` leaves out is
    missing in all of them; give it more than n terms. Otherwise the result is exact but for rounding. Where `outer`
    ends because what follows is too small for a double, the coefficients that this concerns are left out, as zeros.

    Cost: about 1.2 sqrt(n) products of n**2 operations (Paterson and Stockmeyer 1973) as matrix products; a quarter
    of n counts if `inner` is odd or even up to its constant.

    Examples
    --------
    >>> composed(np.array([0.0, 0.0, 1.0]), np.array([1.0, 1.0]), 4).tolist()  # (1 + u)^2
    [1.0, 2.0, 1.0, 0.0]
    """
    known = np.where(np.atleast_2d(outer) < _FLUSH, 0.0, outer)
    outers, inner = _trimmed(known), _cut(inner, n)
    underflow = outers.shape[1] + 1 < known.shape[1] and float(outers[:, -1].max()) < 1e-250
    if underflow:
        # its terms rise and fall with k: where those at the end bring nothing, those missing bring nothing
        fewer = np.arange(outers.shape[1]) < 0.875 * outers.shape[1]
        outers = np.concatenate([outers, np.where(fewer, outers, 0.0)])
    if inner[0] > 0.0 and outers.shape[1] > 1:
        outers, scale = _shifted(outers, inner[0], n)
        inner = np.concatenate([[0.0], inner[1:] / scale])
    result = _composed(outers, inner, n)
    if underflow:
        result, partial = np.split(result, 2)
        missing = np.logical_or.accumulate(result - partial > 1e-14 * result, axis=1)
        result = np.where(missing, 0.0, result)
    series: Array = result if np.ndim(outer) > 1 else result[0]
    return series


def _composed(outers: Array, inner: Array, n: int) -> Array:
    # the inner series has no constant term
    out = np.zeros((outers.shape[0], n))
    half = (n + 1) // 2
    if not inner[2:].any():
        powers = inner[1:2] ** np.arange(min(n, outers.shape[1])) if n > 1 else np.ones(1)
        out[:, : powers.size] = outers[:, : powers.size] * powers
    elif not inner[1::2].any():
        out[:, ::2] = _assembled(outers, inner[::2], half)
    elif not inner[::2].any():
        # inner = u f(v) with v = u^2: its even powers are powers of v f^2, its odd powers those times u f
        f, odd = inner[1::2], outers[:, 1::2].any()
        square = np.concatenate([[0.0], product(f, f, half - 1)])
        halves = [outers[:, k::2] for k in (0, 1) if outers[:, k::2].any()]
        series = _assembled(np.concatenate([_cut(h, half) for h in halves]), square, half) if halves else out[:0]
        if len(halves) > odd:
            out[:, ::2] = series[: outers.shape[0]]
        if odd:
            out[:, 1::2] = product(series[-outers.shape[0] :], f, half)[:, : n // 2]
    else:
        out[:] = _assembled(outers, inner, n)
    return np.where(out < 1e15 * _FLUSH, 0.0, out)


def _assembled(outers: Array, inner: Array, n: int) -> Array:
    # sum_j (sum_{i<m} c_{jm+i} inner^i) (inner^m)^j; inner^k starts at power k, which halves all products and more
    outers = _cut(outers, min(n, outers.shape[1]))
    count, terms = outers.shape
    m = 1
    while 3 * m * m < terms * count:
        m *= 2
    powers = np.zeros((m + 1, n))
    powers[0, 0] = 1.0
    powers[1] = _cut(inner, n)
    k = 1
    while k < m:
        powers[k + 1 : 2 * k + 1] = _shrinking(powers[1 : k + 1], powers[k], n, 0)
        k *= 2
    rows = _cut(outers, -(-terms // m) * m).reshape(count, -1, m).swapaxes(0, 1)
    blocks = np.zeros((rows.shape[0], count, n))
    for j in range(min(rows.shape[0], -(-n // m))):
        blocks[j, :, : n - j * m] = rows[j] @ powers[:m, : n - j * m]
    giant, valuation = powers[m], m
    while blocks.shape[0] > 1:
        odd = blocks[1::2]
        blocks = blocks[::2].copy()
        for c in range(count):
            blocks[: odd.shape[0], c] += _shrinking(odd[:, c], giant, n, 2 * valuation)
        if blocks.shape[0] > 1:
            giant = product(giant, giant, n)
            valuation *= 2
    total: Array = blocks[0]
    return total


def _shrinking(batch: Array, b: Array, n: int, step: int) -> Array:
    # products of the rows with b, row k for powers below n - k step: what lies beyond may leave the range of doubles
    out = np.zeros((batch.shape[0], n))
    start = int(np.argmax(b > 0.0))
    for k in range(0, batch.shape[0], _GROUP):
        length = n - k * step - start
        if length > 0:
            out[k : k + _GROUP, start : start + length] = product(batch[k : k + _GROUP], b[start:], length)
    for k in range(batch.shape[0]):
        out[k, max(0, n - k * step) :] = 0.0
    return out


def product(a: Array, b: Array, n: int) -> Array:
    """Coefficients of a(u) b(u) for powers below n, shape (n,); for many series a of shape (k, m), shape (k, n).

    The Toeplitz matrix of b is cut into square blocks, each of which multiplies all blocks of all a at once.
    """
    if np.ndim(a) == 1:
        single: Array = product(a[None, :], b, n)[0]
        return single
    count, blocks = a.shape[0], -(-n // _BLOCK)
    rows = blocks * count
    split = _cut(a, blocks * _BLOCK).reshape(count, blocks, _BLOCK)
    vectors = np.ascontiguousarray(split.swapaxes(0, 1)).reshape(rows, _BLOCK)
    diagonals = sliding_window_view(np.concatenate([np.zeros(_BLOCK - 1), _cut(b, blocks * _BLOCK)]), _BLOCK)[:, ::-1]
    out = np.zeros((rows, _BLOCK))
    room = np.empty((rows // _BLOCK, _BLOCK, _BLOCK))
    with np.errstate(over="ignore", invalid="ignore"):  # beyond n, where nothing is used
        for d in range(blocks):
            toeplitz = np.ascontiguousarray(diagonals[d * _BLOCK : (d + 1) * _BLOCK].T)
            stacks, left = divmod(rows - d * count, _BLOCK)
            if stacks:
                some = np.s_[: stacks * _BLOCK]
                np.matmul(vectors[some].reshape(stacks, _BLOCK, _BLOCK), toeplitz, out=room[:stacks])
                out[d * count :][some] += room[:stacks].reshape(-1, _BLOCK)
            if left:
                out[rows - left :] += vectors[stacks * _BLOCK : stacks * _BLOCK + left] @ toeplitz
    result = out.reshape(blocks, count, _BLOCK).swapaxes(0, 1).reshape(count, -1)[:, :n]
    flushed: Array = np.where(result < _FLUSH, 0.0, result)
    return flushed


def _shifted(outers: Array, c: float, n: int) -> tuple[Array, float]:
    """Coefficients of outer(c + s x), powers of x below n, and the scale s, chosen to keep them within range."""
    # outer_k (c + s)^k <= 1 for the largest such s: then the new coefficients are at most as many as the old
    count, terms = outers.shape
    with np.errstate(divide="ignore"):
        radius = float(np.exp(-np.max(np.log(outers[:, 1:]) / np.arange(1.0, terms))))
    s = radius - c if radius > 1.001 * c else c
    size = min(_BLOCK, terms)
    binomials = np.zeros((size + 1, size + 1))
    binomials[0, 0] = 1.0
    with np.errstate(over="ignore"):  # in the last row, which a single block does without
        for j in range(size):
            binomials[j + 1] = c * binomials[j]
            binomials[j + 1, 1:] += s * binomials[j, :-1]
    blocks = _cut(outers, -(-terms // size) * size).reshape(count, -1, size) @ binomials[:-1, :-1]
    power = binomials[-1]
    while blocks.shape[1] > 1:
        width = min(n, 2 * blocks.shape[2])
        odd, blocks = blocks[:, 1::2], _cut(blocks[:, ::2], width)
        blocks[:, : odd.shape[1]] += product(odd.reshape(-1, odd.shape[2]), power, width).reshape(*odd.shape[:2], -1)
        if blocks.shape[1] > 1:
            power = product(power, power, min(n, 2 * power.size - 1))
    return blocks[:, 0, :n], s


def iterated(layer: Array, start: Array, depth: int, n: int) -> Array:
    """Coefficients of layer(layer(...(start(u)))), `depth` layers, for powers below n; shape (n,).

    A layer without constant term is raised to the power `depth` by squaring. One with a constant term is composed
    layer by layer, and should have 2 n coefficients for n to be right, see `composed`.

    Examples
    --------
    >>> iterated(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0]), 3, 10).tolist()  # ((u^2)^2)^2
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """
    series = _cut(start, n)
    if layer[0] > 0.0:
        for _ in range(depth):
            series = composed(layer, series, n)
        return series
    square = layer
    while depth:
        if depth % 2:
            series = composed(square, series, n)
        depth //= 2
        if depth:
            square = composed(square, square, n)
    return series


def composition_cost(n: int, depth: int, *, constant: bool, parity: bool) -> float:
    """Operations of `iterated`, 2e10 to 3e10 of which take a second; the same work on every machine.

    `constant`: whether the layer has a constant term; `parity`: whether it is odd or even.
    """
    size = n / 2.0 if parity and not constant else float(n)
    compositions = max(0, depth - 1 if constant else depth.bit_length() + depth.bit_count() - 2)
    return 1.5 * float(size**2.5) * compositions


def tilt(logs: Array) -> float:
    """Rate t at which b_p 2**(t (p - 1)) stay within the range of doubles, given log b_p, shape (n,).

    With r = 2**t they are those of F(r u) / r, and the tilted series of a composition is the composition of the
    tilted series. It makes the last coefficient about as large as the first, as far as r**n stays below 2**860: a
    series that sums to 1 then overflows in no composition. All multiples of t are exact.
    """
    known = np.flatnonzero(np.isfinite(logs))
    if known.size == 0 or known[-1] < 2:
        return 0.0
    t = min(-float(logs[known[-1]]) / (np.log(2.0) * known[-1]), 860.0 / logs.size)
    return max(0.0, float(np.floor(t * 2.0**20)) / 2.0**20)


def tilted(logs: Array, t: float) -> Array:
    """b_p 2**(t (p - 1)) from log b_p."""
    exponents = logs / np.log(2.0) + t * (np.arange(logs.shape[-1]) - 1.0)
    values: Array = np.exp2(exponents)
    return np.where(values < _FLUSH, 0.0, values)


def untilted(series: Array, t: float) -> Array:
    """Log b_p from b_p 2**(t (p - 1))."""
    with np.errstate(divide="ignore"):
        logs: Array = np.log(series) - np.log(2.0) * t * (np.arange(series.shape[-1]) - 1.0)
    return logs


def _cut(series: Any, n: int) -> Array:
    # the first n coefficients, zeros where there are fewer
    out = np.zeros((*series.shape[:-1], n))
    out[..., : min(n, series.shape[-1])] = series[..., :n]
    return out


def _trimmed(series: Array) -> Array:
    # without the zeros that all rows end with; at least the constant term stays
    last = np.flatnonzero(series.any(axis=0))
    return series[:, : last[-1] + 1 if last.size else 1]


def padded(series: Array, n: int) -> Array:
    """The first n coefficients, zeros where there are fewer."""
    out = np.zeros(n)
    out[: min(n, series.size)] = series[:n]
    return out
