"""Keys: what a schema accepts, and what it says of the rest."""

import math
from typing import Annotated, Literal

import pytest

from gan_jax.errors import UserError
from gan_jax.keys import SIZES, TINY, Key, Positive, argument_docs, closest, complete, from_signature, leaves


def of_a_name(given):
    """The keys of a group depend on a name in it."""
    own = {"circle": {"radius": Key(1.0, "r", 0)}, "square": {"side": Key(2, "a", 1)}}
    return {"name": Key("circle", "of a shape", choices=tuple(own)), **own[given.get("name", "circle")]}


SCHEMA = {
    "size": Key("native", "64, or 48x80"),
    "count": Key(3, "how many", 1, 10, resumable=True),
    "share": Key(0.5, "of all", 0, 1),
    "quick": Key(False, "or not"),
    "shape": of_a_name,
}


def test_what_is_left_out_has_its_default():
    config = complete(SCHEMA, {"count": 4, "shape": {"name": "square"}})
    assert config == {
        "size": "native",
        "count": 4,
        "share": 0.5,
        "quick": False,
        "shape": {"name": "square", "side": 2},
    }
    assert [(name, value) for name, key, value in leaves(SCHEMA, config) if key.resumable] == [("count", 4)]
    assert {name for name, *_ in leaves(SCHEMA, config)} >= {"shape.name", "shape.side"}


def test_a_whole_number_is_a_number_and_a_text():
    assert complete(SCHEMA, {"size": 64, "share": 1}) | {"shape": 0} == {
        "size": "64", "count": 3, "share": 1, "quick": False, "shape": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "given, message",
    [
        ({"cuont": 1}, r"--config.cuont: there is no such key; did you mean count\?"),
        ({"count": 0}, "--config.count=0: must be between 1 and 10"),
        ({"count": 2.5}, "--config.count=2.5: must be of the kind of 3"),
        ({"count": True}, "--config.count=True: must be of the kind of 3"),
        ({"share": math.nan}, "--config.share=nan: must be between 0 and 1"),
        ({"share": "x"}, "--config.share='x': must be of the kind of 0.5"),
        ({"quick": 1}, "--config.quick=1: must be of the kind of False"),
        (
            {"shape": {"name": "square", "radius": 1.0}},
            "--config.shape.radius: there is no such key; there are: name, side",
        ),
        ({"shape": {"radius": -1.0}}, "--config.shape.radius=-1.0: must be at least 0"),
        ({"shape": 3}, "--config.shape must be a group of keys, not 3"),
    ],
)
def test_what_cannot_be_is_rejected(given, message):
    with pytest.raises(UserError, match=message):
        complete(SCHEMA, given)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(UserError) as error:
        complete(SCHEMA, {"cuont": 1, "share": 7, "shape": {"name": "circle", "radius": "r"}})
    for part in ("cuont", "--config.share=7", "config.shape.radius='r'"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    "key, text, value",
    [(Key(1, ""), "3", 3), (Key(1.0, ""), "3", 3.0), (Key("", ""), "3", "3"), (Key(True, ""), "False", False)],
)
def test_values_on_a_command_line(key, text, value):
    assert key.parse(text) == value and type(key.parse(text)) is type(value)


@pytest.mark.parametrize("key, text", [(Key(1, ""), "3.5"), (Key(1.0, ""), "x"), (Key(True, ""), "maybe")])
def test_other_values_on_a_command_line(key, text):
    with pytest.raises((ValueError, KeyError)):
        key.parse(text)


def test_a_signature_is_a_schema():
    def term(
        given,
        width: Positive = 3,
        sigma: Annotated[float, (0, 2)] = 1,
        mode: Literal["a", "b"] = "a",
        anything: float = 5,
        skipped=None,
    ):
        """A term.

        Args:
            given: not a key.
            width: of it,
                in pixels.
            sigma, mode: both.
        """

    assert from_signature(term, given=("given",)) == {
        "width": Key(3, "of it, in pixels", 1, 2**31 - 1),
        "sigma": Key(1.0, "both", 0, 2),
        "mode": Key("a", "both", choices=("a", "b")),
        "anything": Key(5.0, ""),
    }


def test_docs_of_arguments_end_with_their_section():
    assert argument_docs("One.\n\nAttributes:\n  a: is it: so.\n  b: and\n    more.\n\nReturns:\n  c: no.") == {
        "a": "is it: so.",
        "b": "and more.",
    }


@pytest.mark.parametrize(
    "key, words",
    [
        (Key(1, "", 1, SIZES), "at least 1"),
        (Key(1, "", 0, 2**32 - 1), "between 0 and 4,294,967,295"),
        (Key(1.0, "", TINY), "above 0"),
        (Key(1.0, "", TINY, 1e12), "above 0 and at most 1e+12"),
        (Key(0.5, "", 0, 1 - TINY), "between 0 and 0.999999999"),
        (Key("a", "", choices=("a", "b")), "a | b"),
        (Key(1.0, ""), ""),
    ],
)
def test_what_is_allowed_in_words(key, words):
    assert key.allowed() == words


def test_hints():
    assert closest("batch_sise", ["batch_size", "seed"]) == "did you mean batch_size?"
    assert closest("optimizers.generator.learning_rte", ["a.learning_rate", "b"]) == "did you mean a.learning_rate?"
    assert closest("zzz", ["a", "b"]) == "there are: a, b"
