"""K maps at once: coefficients in, maps out, and back, with one Legendre recursion for all.

The functions of order m on a ring are the same for every map, and computing them again for each is most of what a
transform costs. Here the maps of a batch lie side by side in lanes, 8 in double precision or 16 in single, and each
value of a function is multiplied with all of them while it is in a register.

`plans` is what others call, or `stacks` for arrays of maps; `layout` says how the numbers lie in memory, `workspace`
what a thread needs. `grid` knows the rings, `recursion` the functions, `legendre` the sums; `phases` and `fourier` take
them to pixels. `vectors` and `microkernels` are what numba does not have, `machine_code` keeps what it compiles. numba
is loaded by the first transform and not before.
"""

from __future__ import annotations

from sphfield.fields.batched.layout import from_lanes, to_lanes
from sphfield.fields.batched.plans import Plan, Precision, Workspace, available, plan
from sphfield.fields.batched.stacks import adjoint, synthesis

__all__ = [
    "Plan", "Precision", "Workspace", "adjoint", "available", "from_lanes", "plan", "synthesis", "to_lanes",
]  # fmt: skip
