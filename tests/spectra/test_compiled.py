import numba
import numpy as np

from sphfield.spectra._compiled import compiled


def doubled(x, out):
    for i in range(x.size):
        out[i] = 2.0 * x[i]


def test_loops_are_compiled_where_no_cache_can_be_written(monkeypatch):
    njit = numba.njit

    def nowhere(*loops, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*loops, **options)

    monkeypatch.setattr(numba, "njit", nowhere)
    loop = compiled(doubled)
    out = np.empty(3)
    loop(np.arange(3.0), out)
    assert out.tolist() == [0.0, 2.0, 4.0]
    assert loop.signatures
