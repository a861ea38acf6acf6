"""The name of an activation in, the activation out: how the command line finds them."""

from __future__ import annotations

import difflib
import importlib
import inspect
from typing import Any

from sphfield.networks import activations
from sphfield.typing import Activation

__all__ = ["activation", "imported"]


def activation(name: str) -> Activation:
    """The activation that a name stands for.

    Parameters
    ----------
    name : str
        A name of the catalogue in any spelling (``tanh``, ``leaky_relu``, ``LeakyReLU``), with parameters after
        colons (``leaky_relu:0.3``, ``gaussian:2``), or ``package.module:name`` for a function of your own.

    Raises
    ------
    ValueError
        If there is no such name (the nearest ones are offered), or a parameter is not a number it accepts.

    Examples
    --------
    >>> activation("leaky_relu:0.3")
    LeakyReLU(slope=0.3)
    >>> activation("numpy:arctan")
    <ufunc 'arctan'>
    """
    head, *parameters = name.split(":")
    catalogue = {_plain(known): getattr(activations, known) for known in activations.__all__}
    if _plain(head) in catalogue:
        return _configured(name, catalogue[_plain(head)], parameters)
    if len(parameters) == 1 and not _is_number(parameters[0]):
        return imported(name)  # type: ignore[no-any-return]
    near = difflib.get_close_matches(_plain(head), catalogue, n=3, cutoff=0.5)
    offer = f"did you mean {', '.join(near)}?" if near else f"known are {', '.join(catalogue)}"
    raise ValueError(f"no activation is called {head!r}: {offer} A function of your own is package.module:name")


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace("+", "")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _configured(name: str, entry: Any, parameters: list[str]) -> Activation:
    if not isinstance(entry, type):
        if parameters:
            raise ValueError(f"{name!r}: {entry.__name__} takes no parameters")
        return entry  # type: ignore[no-any-return]
    wanted = list(inspect.signature(entry).parameters)
    if len(parameters) > len(wanted) or not all(map(_is_number, parameters)):
        usage = ":".join([_plain(entry.__name__), *(w.upper() for w in wanted)])
        raise ValueError(f"{name!r} does not fit {usage}: parameters are numbers after colons")
    return entry(*map(float, parameters))  # type: ignore[no-any-return]


def imported(name: str) -> Any:
    """What ``package.module:name`` stands for: a function, or an instance of a class that needs no parameters.

    Raises
    ------
    ValueError
        If it cannot be imported, or is not callable.

    Examples
    --------
    >>> imported("math:cos")
    <built-in function cos>
    """
    module, _, attribute = name.partition(":")
    if not (module and attribute):
        raise ValueError(f"{name!r} names no function: give package.module:name")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except AttributeError as error:
        raise ValueError(
            f"module {module!r} has no {attribute!r} ({error}): give the name of a function in it"
        ) from error
    except Exception as error:  # an import runs the user's code, which may raise anything
        raise ValueError(f"cannot import {module!r} ({error}): give package.module:name of your own code") from error
    if isinstance(found, type):
        found = found()
    if not callable(found):
        raise ValueError(f"{module}:{attribute} is a {type(found).__name__}: give a function of an array")
    return found
