"""The texts and bytes of OPeNDAP (DAP 2.0): what a data set holds, its attributes, and values.

Written from the standard (ESE-RFC-004) rather than taken from a library. The
usual ones, netCDF-C and pydap's client, fetch by themselves, past our checks of
addresses, sizes and times; pydap moreover brings twenty packages, among them a
web framework and a cache, and takes a string that is cut off for a whole one.
Only what grids need is here: arrays, grids and structures of them; no sequences.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# As they travel: a 16-bit number takes four bytes.
TYPES = {
    "byte": "u1",
    "int16": ">i4",
    "uint16": ">u4",
    "int32": ">i4",
    "uint32": ">u4",
    "float32": ">f4",
    "float64": ">f8",
}
NATIVE = {**{kind: code.lstrip(">") for kind, code in TYPES.items()}, "int16": "i2", "uint16": "u2"}
STRINGS = ("string", "url")
DEEPEST = 20
DATA = re.compile(rb"\r?\nData:\r?\n")
_DDS_WORD = re.compile(r"[{}\[\]=;:]|[^\s{}\[\]=;:]+")
_DAS_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[{};,]|[^\s{};,"]+', re.DOTALL)
_ERROR = re.compile(rb"\s*Error\s*\{(.*)", re.DOTALL)

Values = NDArray[np.generic] | list[str]
Attributes = Mapping[str, object]


class MalformedError(ValueError):
    """The text or the bytes are not those of DAP 2.0."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An array, as it is declared.

    Attributes
    ----------
    name : str
    kind : str
        Lower case, as ``float32``.
    dims : tuple of str
        Names of the axes; "" for one without a name.
    shape : tuple of int
        () for a single value.
    inside : str
        The grid or structure that it is part of; "" when it stands alone.
    is_map : bool
        It holds the coordinates along an axis of the grid.
    """

    name: str
    kind: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    inside: str = ""
    is_map: bool = False

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


# Texts -----------------------------------------------------------------------------------


def told_error(body: bytes) -> str | None:
    """The text of an error message of a server; None when it is none."""
    found = _ERROR.match(body[:10_000])
    if found is None:
        return None
    words = found[1].decode("utf-8", "replace")
    message = re.search(r'message\s*=\s*"((?:[^"\\]|\\.)*)"', words)
    return message[1] if message else words


def read_dds(text: str) -> list[Variable]:
    """The variables of a data set, in the order in which their values travel.

    >>> read_dds("Dataset { Grid { Array: Byte a[y = 2]; Maps: Float64 y[y = 2]; } a; } b;")[0]
    Variable(name='a', kind='byte', dims=('y',), shape=(2,), inside='a', is_map=False)

    Raises
    ------
    MalformedError
    """
    words = iter(_DDS_WORD.findall(text))
    if _next(words).casefold() != "dataset" or _next(words) != "{":
        raise MalformedError("no Dataset")
    return _declarations(words, 0)


def _next(words: Iterator[str]) -> str:
    word = next(words, None)
    if word is None:
        raise MalformedError("ends too soon")
    return word


def _declarations(words: Iterator[str], depth: int) -> list[Variable]:
    """Declarations up to the closing brace, and the name behind it, which is put into them."""
    found: list[Variable] = []
    is_map = False
    if depth > DEEPEST:
        raise MalformedError("too deep")
    while (word := _next(words)) != "}":
        kind = word.casefold()
        if kind in ("array", "maps"):
            is_map = kind == "maps"
            if _next(words) != ":":
                raise MalformedError(f"no colon behind {word}")
        elif kind in ("structure", "grid"):
            if _next(words) != "{":
                raise MalformedError(f"no brace behind {word}")
            found += _declarations(words, depth + 1)
        elif kind in TYPES or kind in STRINGS:
            found.append(_array(words, kind, is_map))
        else:
            raise MalformedError(f"unknown type {word}")
    name = _next(words)
    if depth == 0:
        return found
    if _next(words) != ";":
        raise MalformedError(f"{name} is an array of structures")
    return [Variable(v.name, v.kind, v.dims, v.shape, v.inside or name, v.is_map) for v in found]


def _array(words: Iterator[str], kind: str, is_map: bool) -> Variable:
    name, dims, shape = _next(words), list[str](), list[int]()
    while (word := _next(words)) != ";":
        size = _next(words)
        dim = ""
        closing = _next(words)
        if closing == "=":
            dim, size, closing = size, _next(words), _next(words)
        if word != "[" or closing != "]" or not (size.isascii() and size.isdigit() and len(size) < 12):
            raise MalformedError(f"axes of {name}")
        dims.append(dim)
        shape.append(int(size))
    return Variable(name, kind, tuple(dims), tuple(shape), "", is_map)


def read_das(text: str) -> dict[str, Attributes]:
    """Attributes by variable; those of the data set stand under names as ``NC_GLOBAL``.

    Numbers become float, or a list of float; texts stay as they are. What belongs to a part of a grid stands within
    the attributes of the grid.

    >>> read_das('Attributes { a { Float32 _FillValue -9999.0; String units "m"; } }')
    {'a': {'_FillValue': -9999.0, 'units': 'm'}}

    Raises
    ------
    MalformedError
    """
    root: dict[str, object] = {}
    stack = [root]
    line: list[str] = []
    for word in _DAS_WORD.findall(text):
        if word == "{":
            inner: dict[str, object] = {}
            stack[-1][line[-1].strip('"') if line else ""] = inner
            stack.append(inner)
        elif word == "}":
            stack.pop()
        elif word == ";":
            if len(line) > 2:
                stack[-1][line[1].strip('"')] = _attribute(line[0].casefold(), line[2:])
        else:
            line.append(word)
            continue
        line = []
        if not stack or len(stack) > DEEPEST:
            raise MalformedError("braces")
    if len(stack) != 1 or len(root) != 1:
        raise MalformedError("no Attributes")
    found = next(iter(root.values()))
    if not isinstance(found, dict):
        raise MalformedError("no Attributes")
    return {name: value for name, value in found.items() if isinstance(value, dict)}


def _attribute(kind: str, words: Sequence[str]) -> object:
    texts = [word for word in words if word != ","]
    if kind in STRINGS:
        values: list[object] = [re.sub(r"\\(.)", r"\1", t[1:-1], flags=re.DOTALL) if t[0] == '"' else t for t in texts]
    else:
        try:
            values = [float(t.strip('"').rstrip(".") or "nan") for t in texts]
        except ValueError as error:
            raise MalformedError(f"number {words}") from error
    return values[0] if len(values) == 1 else values


# Values ----------------------------------------------------------------------------------


def read_dods(body: bytes) -> list[tuple[Variable, Values]]:
    """What a server sent: each variable as it says, with its values.

    Raises
    ------
    MalformedError
        If there are fewer or more values than it says.
    """
    split = DATA.search(body)
    if split is None:
        raise MalformedError("no data")
    found: list[tuple[Variable, Values]] = []
    at = split.end()
    for variable in read_dds(body[: split.start()].decode("utf-8", "replace")):
        read = _strings if variable.kind in STRINGS else _numbers
        values, at = read(body, at, variable)
        found.append((variable, values))
    if at != len(body):
        raise MalformedError(f"{len(body) - at} bytes too many")
    return found


def _length(body: bytes, at: int) -> int:
    if len(body) < at + 4:
        raise MalformedError("ends too soon")
    return int.from_bytes(body[at : at + 4], "big")


def _counted(body: bytes, at: int, variable: Variable, times: int) -> int:
    """Check that the number of values goes before them, as often as it should; gives where they begin."""
    for _ in range(times if variable.shape else 0):
        if _length(body, at) != variable.count:
            raise MalformedError(f"{_length(body, at)} values of {variable.name} instead of {variable.count}")
        at += 4
    return at


def _numbers(body: bytes, at: int, variable: Variable) -> tuple[Values, int]:
    at = _counted(body, at, variable, 2)
    kind = np.dtype(TYPES[variable.kind])
    end = at + kind.itemsize * variable.count
    if len(body) < end:
        raise MalformedError("ends too soon")
    values = np.frombuffer(body, kind, variable.count, at).astype(NATIVE[variable.kind])
    return values.reshape(variable.shape), end + -(end - at) % 4


def _strings(body: bytes, at: int, variable: Variable) -> tuple[Values, int]:
    at = _counted(body, at, variable, 1)
    found = []
    for _ in range(variable.count):
        size = _length(body, at)
        at += 4
        if len(body) < at + size:
            raise MalformedError("ends too soon")
        found.append(body[at : at + size].decode("utf-8", "replace").rstrip("\0 "))
        at += size + -size % 4
    return found, at
