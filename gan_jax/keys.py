"""Keys of a config: what each may be, declared where it is used.

A **schema** is a tree of keys: {name: `Key`, or a schema, or a function of what the config gives there that returns a
schema}. Such a function is for groups whose keys depend on a name in them: those of a network are its attributes, those
of an optimizer its keyword arguments.
"""

import contextlib
import difflib
import inspect
import math
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

from gan_jax.errors import UserError

TINY = 1e-9  # what is positive is at least this
SIZES = 2**31 - 1


class Key(NamedTuple):
    """One key.

    Attributes:
        default: a number, a bool or a text; also the kind of value that the key takes.
        doc: one line.
        low, high: the least and the largest number that it may be.
        choices: the texts that it may be; (): any.
        resumable: whether it may change when a run is resumed, as lengths and intervals may.
    """

    default: Any
    doc: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    resumable: bool = False

    def allowed(self) -> str:
        """What it may be, in words; "" if that is all of its kind."""
        if self.choices:
            return " | ".join(self.choices)
        written = lambda number: f"{number:,}" if isinstance(number, int) else f"{number:.10g}"
        below = self.high not in (math.inf, SIZES)
        if self.low == TINY:
            return f"above 0 and at most {written(self.high)}" if below else "above 0"
        if not below:
            return "" if self.low == -math.inf else f"at least {written(self.low)}"
        return f"between {written(self.low)} and {written(self.high)}"

    def problem(self, value: Any) -> str:
        """Why it cannot have this value; "" if it can."""
        kind = {float: (int, float), bool: bool, str: str, int: int}[type(self.default)]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            return f"must be of the kind of {self.default!r}"
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}; {closest(value, self.choices)}"
        if not isinstance(value, str) and not self.low <= value <= self.high:  # no NaN either
            return f"must be {self.allowed() or 'a number'}"
        return ""

    def parse(self, text: str) -> Any:
        """The value that is written on a command line.

        Raises:
            ValueError: it is of another kind.
        """
        if isinstance(self.default, bool):
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
        return type(self.default)(text)


Schema = Mapping[str, "Key | Schema | Callable[[dict], Schema]"]

# Ranges of attributes and arguments, as annotations.
Positive = Annotated[int, (1, SIZES)]
Count = Annotated[int, (0, SIZES)]
Weight = Annotated[float, (0, math.inf)]
Share = Annotated[float, (0, 1)]


def from_signature(function: Callable, given: Iterable[str] = ()) -> dict[str, Key]:
    """The keys of what a function, or a class, takes: those of its arguments that have a plain default.

    Args:
        function: its annotations may be one of the ranges above or a `Literal` of choices; its docstring's "Args" or
            "Attributes" say what the arguments are.
        given: arguments that do not come from a config.
    """
    docs, hints, keys = argument_docs(inspect.getdoc(function) or ""), {}, {}
    with contextlib.suppress(NameError, TypeError):  # annotations of another library may name what is not imported
        annotated = function.__init__ if isinstance(function, type) else function
        hints = typing.get_type_hints(annotated, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if name in given or not isinstance(parameter.default, (bool, int, float, str)):
            continue
        hint = hints.get(name)
        metadata = getattr(hint, "__metadata__", ((-math.inf, math.inf),))
        choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
        low, high = metadata[0] if isinstance(metadata[0], tuple) else (-math.inf, math.inf)
        default = parameter.default
        if float in (hint, getattr(hint, "__origin__", None)) and not isinstance(default, bool):
            default = float(default)
        keys[name] = Key(default, docs.get(name, "").removesuffix("."), low, high, choices)
    return keys


def argument_docs(docstring: str) -> dict[str, str]:
    """{argument: what the section "Args" or "Attributes" of a docstring says of it, in one line}"""
    docs, names, first = {}, (), None  # first: the indentation of arguments, inside such a section
    for line in docstring.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip() and not indent:
            first = 0 if line.strip() in ("Args:", "Attributes:") else None
        elif line.strip() and first is not None:
            first = first or indent
            head, colon, rest = line.strip().partition(":")
            if indent == first and colon:
                names = [name.strip() for name in head.split(",")]
                docs |= dict.fromkeys(names, rest.strip())
            else:
                docs |= {name: f"{docs[name]} {line.strip()}" for name in names}
    return docs


def closest(name: str, names: Iterable[str], beside: Iterable[str] = ()) -> str:
    """A hint for a mistyped name: the names that look like it, else those `beside` it, else all."""
    names, last = list(names), name.rpartition(".")[2]
    near = [n for n in names if difflib.get_close_matches(last, [n.rpartition(".")[2]], cutoff=0.75)]
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(beside or names)}"


def resolve(schema: Any, given: Any) -> Any:
    """A key as it is, else the schema of a group for what the config gives in it."""
    return schema(given) if callable(schema) else schema


def complete(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """The config that `given` describes, with the defaults of the keys that it leaves out.

    Raises:
        UserError: unknown keys and impossible values, all of them in one line.
    """
    problems = []
    config = _complete(schema, given, "", problems)
    if problems:
        raise UserError("; ".join(problems))
    return config


def _complete(schema: Schema, given: Any, prefix: str, problems: list[str]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        problems.append(f"--config.{prefix.removesuffix('.')} must be a group of keys, not {given!r}")
        return {}
    try:
        schema, config = resolve(schema, given), {}
    except UserError as error:  # a name in it that there is not
        problems.append(str(error))
        return {}
    unknown = {}
    for name in given:
        if name not in schema:
            hint = closest(name, schema) if schema else "there are none here"
            unknown.setdefault(hint, []).append(f"--config.{prefix}{name}")
    problems += [f"{', '.join(names)}: there is no such key; {hint}" for hint, names in unknown.items()]
    for name, own in schema.items():
        if not isinstance(own, Key):
            config[name] = _complete(own, given.get(name, {}), f"{prefix}{name}.", problems)
            continue
        value = given.get(name, own.default)
        if isinstance(own.default, str) and type(value) is int:  # a size, say, is a text because it may be "48x80"
            value = str(value)
        if problem := own.problem(value):
            problems.append(f"--config.{prefix}{name}={value!r}: {problem}")
        config[name] = value
    return config


def leaves(schema: Schema, config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Key, Any]]:
    """(dotted name, key, value) of every key of a complete config."""
    for name, own in resolve(schema, config).items():
        if isinstance(own, Key):
            yield prefix + name, own, config[name]
        else:
            yield from leaves(own, config[name], f"{prefix}{name}.")
