r"""Degrees in; eigenvalues on S^2 of the tangent kernel of a ReLU network of one hidden layer without biases out.

The kernel is that of Cao, Fang, Wu, Zhou, Gu (arXiv 1912.01198), section 3, whose layers have another weight than in
`NTK`:

.. math:: \kappa(u) = u \kappa_1(u) + 2 \kappa_2(u), \qquad \kappa_1 = \frac{\pi - \arccos u}{2\pi}, \quad
          \kappa_2 = \frac{u (\pi - \arccos u) + \sqrt{1-u^2}}{2\pi}.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sphfield.networks.activations import ReLU, Step
from sphfield.spectra.factorials import stirling_rest
from sphfield.typing import Array

__all__ = ["two_layer_eigenvalues", "two_layer_kernel"]


def two_layer_kernel(u: Any) -> Any:
    """The kernel u kappa_1 + 2 kappa_2 for u in [-1, 1], 3/2 at u = 1.

    Examples
    --------
    >>> float(two_layer_kernel(1.0)), round(float(two_layer_kernel(0.0)), 12)  # 1 / pi
    (1.5, 0.318309886184)
    """
    return u * Step().dual(u) + 2.0 * ReLU().dual(u)


def two_layer_eigenvalues(lmax: int) -> Array:
    r"""Eigenvalues mu_ell of `two_layer_kernel` for the uniform probability measure on S^2, shape (lmax + 1,).

    .. math:: \mu_\ell = \Bigl(\frac{\ell!}{2^\ell (\ell/2)!^2}\Bigr)^2
              \frac{\ell (\ell + 1) + 7}{4 (\ell - 1)^2 (\ell + 2)^2} \quad (\ell \text{ even}), \quad \mu_1 = \tfrac14,

    0 exactly for odd ell > 1: what is odd of degree 3 and more is never learned. It falls like 1 / (2 pi ell^3), and
    C_ell = 4 pi mu_ell. Relative error below 1e-14. Derived, see docs/ntk.

    Raises
    ------
    ValueError
        If `lmax` is negative.

    Examples
    --------
    >>> two_layer_eigenvalues(4).round(15).tolist()  # 7/16, 1/4, 13/256, 0, 3/1024
    [0.4375, 0.25, 0.05078125, 0.0, 0.0029296875]
    """
    if lmax < 0:
        raise ValueError(f"lmax = {lmax} must be 0 or more")
    ell = np.arange(lmax + 1.0)
    n = np.where(ell % 2.0 == 0.0, 0.5 * ell, 0.0)
    # the quotient of factorials: what they have beside x log(x) - x, which cancels
    squared = np.exp(2.0 * (stirling_rest(2.0 * n) - 2.0 * stirling_rest(n)))
    denominator = np.where(ell == 1.0, np.inf, 4.0 * ((ell - 1.0) * (ell + 2.0)) ** 2)
    even = squared * (ell * (ell + 1.0) + 7.0) / denominator
    mu: Array = np.where(ell % 2.0 == 0.0, even, np.where(ell == 1.0, 0.25, 0.0))
    return mu
