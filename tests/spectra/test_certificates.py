import json

import pytest
from certificates import DATA, DEPTHS, ELLS, certified, vanishes
from flint import arb, arb_mat, ctx

CERTIFIED = {key: values for key, values in json.loads(DATA.read_text()).items() if key != "definitions"}
ELSEWHERE = {  # names in the reference spectra -> names here
    "lrelu0.3": "leaky_relu:0.3",
    "gauss1": "gaussian:1",
    "gauss2": "gaussian:2",
    "exp1": "cossin:1",
    "cos1": "cosine:1",
    "sin1": "sine:1",
    "erf1": "erf:1",
    "repu2": "repu:2",
    "repu3": "repu:3",
}


@pytest.fixture(autouse=True)
def _digits():
    with ctx.workprec(400):
        yield


def numbers(key):
    return {int(ell): arb(text) for ell, text in CERTIFIED[key].items()}


def digits(one, other):
    """The digits in which one number agrees with another."""
    return float(-(abs(one / other - 1).mid() + arb("1e-60")).log() / arb(10).log())


def bessel(ell, x):
    """Modified spherical Bessel function i_ell(x)."""
    return (arb.pi() / (2 * x)).sqrt() * x.bessel_i(ell + arb("0.5"))


@pytest.mark.parametrize("a", ["0.5", "1", "1.5"])
def test_exponential_kernel_is_a_bessel_function(a):
    x = arb(a) ** 2
    for ell, cl in numbers(f"cossin:{a}_L1").items():
        assert digits(cl, 4 * arb.pi() * (-x).exp() * bessel(ell, x)) > 19, ell


@pytest.mark.parametrize(("name", "norm"), [("cosine:1", arb.cosh), ("sine:1", arb.sinh)])
def test_cosine_and_sine_share_the_bessel_function_by_parity(name, norm):
    for ell, cl in numbers(f"{name}_L1").items():
        exact = 4 * arb.pi() * bessel(ell, arb(1)) / norm(arb(1))
        assert cl == 0 if vanishes(name, 1, ell) else digits(cl, exact) > 19, ell


@pytest.mark.parametrize(("name", "k"), [("step", 0), ("relu", 1), ("repu:2", 2), ("repu:3", 3)])
def test_one_layer_of_powers_is_a_square_of_gamma_functions(name, k):
    for ell, cl in numbers(f"{name}_L1").items():
        # int_0^1 t^k P_ell; the reciprocal Gamma function makes the parity zeros
        low, high = arb(k - ell) / 2 + 1, arb(k + ell + 3) / 2
        moment = arb(k + 1).gamma() * arb.pi().sqrt() / 2 ** (k + 1) * low.rgamma() * high.rgamma()
        exact = 2 * arb.pi() * (2 * k + 1) * moment * moment
        assert (cl == 0 and exact == 0) or digits(cl, exact) > 19, ell


RADIAL = {
    "tanh": lambda z: z.tanh(),
    "sigmoid": lambda z: 1 / (1 + (-z).exp()),
    "silu": lambda z: z / (1 + (-z).exp()),
    "softplus": lambda z: z.exp().log1p(),
    "elu": lambda z: z if z > 0 else z.expm1(),
}


@pytest.mark.parametrize("name", RADIAL)
@pytest.mark.parametrize("ell", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_radial_formula_gives_one_layer_without_any_kernel(name, ell):
    # C_ell = pi E_r[(int_-1^1 sigma(r t) P_ell(t) dt)^2] / E[sigma^2] with r^2 chi-squared of three degrees
    sigma, ell = RADIAL[name], ell + (name in ("tanh", "sigmoid"))
    # e^(-reach^2 / 2) and what sigma adds to it are beyond 20 digits of C_ell, at most e^(-3 (pi ell / 2)^(2/3) / 2)
    reach, n, bits = (20, 200, 500) if ell < 1000 else (45, 800, 1000)
    with ctx.workprec(bits):
        # halves of [-1, 1]: ELU has its kink at 0. Poles of the others are pi / 2 reach from the real line
        half = [arb.legendre_p_root(n, k, weight=True) for k in range(n)]
        nodes = [(side * (1 + x) / 2, w / 2) for x, w in half for side in (1, -1)]
        table = arb_mat([[w * t.legendre_p(ell) for t, w in nodes]])
        weights = arb_mat([[w / 2 for _, w in nodes]])
        cl, variance = arb(0), arb(0)
        for k in range(200):
            x, w = arb.legendre_p_root(200, k, weight=True)
            r = arb(reach) * (1 + x) / 2
            density = (2 / arb.pi()).sqrt() * r * r * (-r * r / 2).exp() * w * reach / 2
            values = [sigma(r * t) for t, _ in nodes]
            projection = (table * arb_mat(len(values), 1, values))[0, 0]
            cl += arb.pi() * density * projection * projection
            variance += density * (weights * arb_mat(len(values), 1, [v * v for v in values]))[0, 0]
        assert digits(numbers(f"{name}_L1")[ell], cl / variance) > 15


def test_values_agree_with_the_reference_spectra():
    compared = 0
    for key, values in json.loads(DATA.with_name("spectra.json").read_text()).items():
        name, depth = key.rsplit("_L")
        ours = CERTIFIED.get(f"{ELSEWHERE.get(name, name)}_L{depth}", {})
        for ell in ours.keys() & values.keys():
            # they are rounded to 17 digits
            assert ours[ell] == values[ell] == "0" or digits(arb(ours[ell]), arb(values[ell])) > 15.5, (key, ell)
            compared += 1
    assert compared > 100


@pytest.mark.parametrize("depth", DEPTHS)
def test_relu_ends_in_its_fifth_power(depth):
    u, w = arb(-1), arb(1)  # of the singularity at the antipode: the product of kappa' over kappa_j(-1), j < depth
    for _ in range(depth - 1):
        u = ((1 - u * u).sqrt() + (arb.pi() - u.acos()) * u) / arb.pi()
        w *= 1 - u.acos() / arb.pi()
    cl = numbers(f"relu_L{depth}")
    for ell, sign in ((9999, -1), (10000, 1)):
        tail = 6 * (depth + sign * w) * (ell + arb("0.5")) ** -5
        # the next singular term is t^(5/2): relative order 1 / ell^2, its factor grows no faster than depth^2
        assert abs(cl[ell] - tail) <= tail * (5 + depth**2) / ell**2, ell


def test_every_number_is_positive_but_for_parity():
    for key, values in CERTIFIED.items():
        name, depth = key.rsplit("_L")
        for ell, text in values.items():
            assert (text == "0") == vanishes(name, int(depth), int(ell))
            assert arb(text) >= 0


def test_kinked_activations_are_certified_at_every_multipole():
    for name in (
        "relu",
        "leaky_relu:0.01",
        "leaky_relu:0.3",
        "leaky_relu:0.7",
        "abs",
        "step",
        "sign",
        "repu:2",
        "repu:3",
    ):
        for depth in DEPTHS:
            assert numbers(f"{name}_L{depth}").keys() == set(ELLS)


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("relu", 3),
        ("step", 5),
        pytest.param("gelu", 10, marks=pytest.mark.slow),
        pytest.param("selu", 2, marks=pytest.mark.slow),
        pytest.param("gaussian:4", 20, marks=pytest.mark.slow),
    ],
)
def test_stored_digits_come_out_again_with_other_nodes(name, depth):
    ells = (0, 1, 10, 31, 100)  # a smaller largest multipole needs fewer nodes
    for ell, value in certified(name, depth, ells).items():
        stored = arb(CERTIFIED[f"{name}_L{depth}"][str(ell)])
        assert stored == value == 0 or digits(stored, value) > 19, ell
