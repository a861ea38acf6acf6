"""Write the pixel weights that come with the package, sphfield/fields/pixel_weights.npy: nside = 1, 2, 4 ... 64."""

from __future__ import annotations

import numpy as np

from sphfield.fields.weight_files import LARGEST_SHIPPED, SHIPPED
from sphfield.fields.weight_solver import corrections
from sphfield.provenance import atomic_write


def main() -> None:
    nsides = [1 << k for k in range(LARGEST_SHIPPED.bit_length())]
    with atomic_write(SHIPPED) as part:
        np.save(part, np.concatenate([corrections(nside) for nside in nsides]).astype("<f8"), allow_pickle=False)


if __name__ == "__main__":
    main()
