"""Multiples of 1/2 in, what their factorials' logarithms have beside x log(x) - x out.

Quotients of factorials of large numbers are near 1 where the factorials are near 1e40000: the large parts are to be
cancelled by hand, and this is what remains.
"""

from __future__ import annotations

from math import exp, gamma, log
from typing import Any

import numpy as np

from sphfield.typing import Array

__all__ = ["stirling_rest"]


def stirling_rest(x: Any) -> Array:
    """log(x!) - x log(x) + x at multiples of 1/2, absolute error about 1e-16; x log(x) is 0 at 0.

    Examples
    --------
    >>> print(f"{stirling_rest(3.0):.12f} {np.log(6.0) - 3.0 * np.log(3.0) + 3.0:.12f}")
    1.495922603224 1.495922603224
    """
    x = np.asarray(x, dtype=np.float64)
    y = np.maximum(x, 16.0)
    s = 1.0 / (y * y)
    stirling = (1.0 / 12.0 - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s / 1188.0)))) / y
    near = _REMAINDERS[np.minimum(2.0 * x, 32.0).astype(np.intp)]
    return np.asarray(np.where(x < 16.0, near, 0.5 * np.log(2.0 * np.pi * y) + stirling))


_REMAINDERS = np.array([log(gamma(0.5 * k + 1.0) * exp(0.5 * k) / (0.5 * k) ** (0.5 * k)) for k in range(33)])
