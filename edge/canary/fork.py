"""A second detector with the very state of the first, to try something on."""

from __future__ import annotations

import copy
import gc
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

_NOT_STATE = (type, ModuleType, FunctionType, BuiltinFunctionType, str, bytes, int, float, bool, type(None))


class NotForkableError(Exception):
    """The object holds what cannot be copied: a lock, a port, a file."""


def forked(original: T) -> T:
    """A deep copy in which arrays that share memory still do.

    `copy.deepcopy` alone gives each view of an array memory of its own: a detector that fills a buffer and reads it
    through views of it would read what was there at the copy, for ever.

    Raises:
        NotForkableError: something in it cannot be copied.
    """
    memo: dict[int, Any] = {}
    roots: dict[int, np.ndarray[Any, Any]] = {}
    for array in _arrays(original):
        root = _root(array)
        if root is array:
            continue
        if id(root) not in roots:
            roots[id(root)] = memo[id(root)] = root.copy(order="K")
        memo[id(array)] = _same_view(array, root, roots[id(root)])
    try:
        return copy.deepcopy(original, memo)
    except (TypeError, copy.Error) as error:
        raise NotForkableError(str(error)) from error


def _arrays(original: object) -> list[np.ndarray[Any, Any]]:
    """Every array that can be reached from the object."""
    found: list[np.ndarray[Any, Any]] = []
    seen: set[int] = set()
    waiting: list[Any] = [original]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _NOT_STATE):
            continue
        seen.add(id(thing))
        if isinstance(thing, np.ndarray):
            found.append(thing)
        elif isinstance(thing, MethodType):
            waiting.append(thing.__self__)
        else:
            waiting += gc.get_referents(thing)
    return found


def _root(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array that owns the memory. One that looks at foreign memory, as a decoder's, is its own root."""
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    return root if root.base is None else array


def _same_view(
    array: np.ndarray[Any, Any], root: np.ndarray[Any, Any], copied: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    offset = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    memory = copied.reshape(-1, order="A").view(np.uint8)
    return np.ndarray(array.shape, array.dtype, memory.data, offset, array.strides)
