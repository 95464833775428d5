"""Terms: how they add up to a loss, and which ones a config names."""

from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import pytest
from playing import turn_values

from gan_jax import terms
from gan_jax.config import complete, config_for
from gan_jax.errors import UserError
from gan_jax.keys import complete as completed
from gan_jax.keys import leaves
from gan_jax.lookup import only_the_librarys_own
from gan_jax.terms import Term, make_terms, memory_of, split, total


class Context(NamedTuple):
    value: jax.Array = jnp.float32(3)
    kimg: jax.Array = jnp.float32(2)
    own: dict = {}  # noqa: RUF012 (never changed)


def term(name, factor=1.0, player="d", **settings):
    return Term(name, player, lambda c: factor * c.value, **settings)


# The sum.


def test_the_loss_is_the_weighted_sum_and_metrics_are_unweighted():
    loss, (updates, metrics) = total([term("a"), term("b", 10.0, weight=0.5), term("c", 7.0, weight=2)], Context())
    assert loss == 3 + 0.5 * 30 + 2 * 21 and updates == {}
    assert metrics == {"a": 3, "b": 30, "c": 21} and list(metrics) == ["a", "b", "c"]


def test_a_weight_may_be_a_schedule_of_the_kimg_seen():
    half_life = term("a", weight=lambda kimg: 8 * 0.5**kimg)
    loss_at = jax.jit(lambda kimg: total([half_life], Context(kimg=kimg))[0])  # traced
    assert [float(loss_at(kimg)) for kimg in (0.0, 1.0, 2.0)] == [24, 12, 6]
    assert total([half_life], Context())[1][1] == {"a": 3}


def test_a_lazy_term_is_as_strong_as_an_eager_one_on_average():
    eager, lazy = term("a", weight=2), term("a", weight=2, every=4)
    assert total([lazy], Context())[0] == 4 * total([eager], Context())[0]
    scheduled = term("a", weight=lambda kimg: kimg, every=4)
    assert total([scheduled], Context())[0] == 4 * 2 * 3


def test_the_order_of_the_sum_is_that_of_the_terms():
    """Float addition is not associative, and runs shall have the same bits."""
    parts = [term("a", 1e8), term("b", -1e8), term("c", 1.0)]
    sums = [float(total([parts[n] for n in order], Context(jnp.float32(1)))[0]) for order in ((0, 1, 2), (1, 2, 0))]
    first, *others = (jnp.float32(factor) for factor in (1e8, -1e8, 1.0))
    assert sums[0] == float(first + (0 + others[0] + others[1]))
    assert sums[1] == float(others[0] + (0 + others[1] + first))


def test_one_term_alone_of_weight_one_is_its_value():
    value = jnp.float32(3)
    assert total([Term("a", "d", lambda c: c.value)], Context(value))[0] is value


def test_memory_is_read_and_updated():
    def loss(c):
        return c.value - c.own["mean"], {"mean": 0.5 * (c.own["mean"] + c.value)}

    remembering = Term("a", "d", loss, 2.0, memory={"mean": jnp.zeros(())})
    assert memory_of([remembering, term("b"), term("c", player="g")], "d") == {"mean": 0}
    assert memory_of([remembering], "g") == {}
    value, (updates, metrics) = total([term("b"), remembering], Context(own={"mean": jnp.float32(1)}))
    assert value == 3 + 2 * (3 - 1) and updates == {"mean": 2} and metrics == {"b": 3, "a": 2}


def test_terms_are_split_by_their_players_and_turns():
    own = [term("a"), term("b", player="g"), term("c", every=2), term("d"), term("e", player="g", every=3)]
    names = lambda player: [[each.name for each in part] for part in split(own, player)]
    assert names("d") == [["a", "d"], ["c"]] and names("g") == [["b"], ["e"]] and names("x") == [[], []]


# The terms of a config.


def one(weight: float = 1.0):
    return term("one", weight=weight)


def two(weight: float = 2.0, size: int = 3):
    """Two terms.

    Args:
        weight: of the first.
        size: of the second.
    """
    return term("two", weight=weight), term("two", player="g", weight=size)


OWN = {"two": two, "one": one}


def made(config):
    return make_terms(completed({"terms": terms.keys(OWN)}, {"terms": config})["terms"], OWN, players=("d", "g"))


def test_terms_come_in_the_order_of_their_constructors():
    expected = [("two", "d", 2.0), ("two", "g", 5), ("one", "d", 0.5)]
    for config in ({"one": {"weight": 0.5}, "two": {"size": 5}}, {"two": {"size": 5}, "one": {"weight": 0.5}}):
        assert [(each.name, each.player, each.weight) for each in made(config)] == expected


def test_what_is_absent_or_of_no_weight_is_off():
    assert made({}) == []
    assert [each.name for each in made({"one": {}})] == ["one"]
    assert made({"one": {"weight": 0.0}}) == []
    assert [each.player for each in made({"two": {"weight": 0.0}})] == ["g"]  # one of two


def test_a_schedule_is_on():
    constructors = {"rising": lambda: term("rising", weight=lambda kimg: kimg)}
    assert [each.name for each in make_terms({"rising": {}}, constructors, players=("d",))] == ["rising"]


def test_a_game_has_a_turn_for_each_of_its_terms():
    constructors = {"a": lambda: term("a", player="critic"), "b": lambda: term("b", every=2)}
    with pytest.raises(UserError, match=r"config\.terms: a is of the critic; this game has terms of the d and the g"):
        make_terms({"a": {}}, constructors, players=("d", "g"))
    with pytest.raises(UserError, match=r"config\.terms: b is lazy \(every=2\); this game has no lazy terms"):
        make_terms({"b": {}}, constructors, players=("d", "g"), lazy=False)
    assert len(make_terms({"b": {}}, constructors, players=("d", "g"))) == 1


def test_a_games_terms_are_on_by_default_and_others_off():
    names = lambda config: [each.name for each in make_terms(config.terms, terms.TERMS)]
    assert names(config_for()) == ["adversarial"]
    assert names(complete({"terms": {"lecam": {}, "r1": {}, "adversarial": {}}})) == ["adversarial", "r1", "lecam"]


def test_keys_of_a_term_are_the_arguments_of_its_constructor():
    given = {"two": {"weight": 4.0}}
    config = completed({"terms": terms.keys(OWN)}, {"terms": given})
    assert config == {"terms": {"two": {"weight": 4.0, "size": 3}}}
    docs = {name: key.doc for name, key, _ in leaves(terms.keys(OWN), config["terms"])}
    assert docs == {"two.weight": "of the first", "two.size": "of the second"}


@pytest.mark.parametrize("name", terms.TERMS)
def test_every_constructor_says_what_its_arguments_are(name):
    config = {name: {}}
    known = dict((key, own) for key, own, _ in leaves(terms.keys(terms.TERMS), complete({"terms": config}).terms))
    assert known and all(own.doc for own in known.values())
    assert "A gradient penalty" not in terms.TERMS[name].__doc__  # but which one


# Somebody's own.

MODULE = '''
"""A term that holds logits near a place."""

import jax.numpy as jnp

from gan_jax.keys import Weight
from gan_jax.terms import Term


def near(weight: Weight = 0.1, place: float = 0.0) -> Term:
    """Logits of real examples near a place.

    Args:
        weight: of the term.
        place: where they shall be.
    """
    return Term("near", "discriminator", lambda c: jnp.mean((c.on_real.logits - place) ** 2), weight)
'''


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "my_terms_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return {"function": "my_terms_of_a_test.near"}


def test_a_term_of_a_module_of_ones_own(own_module):
    config = complete({"terms": {"adversarial": {}, "mine": {**own_module, "place": 2.0}}}).terms
    assert config.mine.to_dict() == {**own_module, "weight": 0.1, "place": 2.0}
    _, near = make_terms(config, terms.TERMS)  # after the game's own
    assert (near.name, near.weight) == ("near", 0.1)
    seen = SimpleNamespace(on_real=SimpleNamespace(logits=jnp.array([1.0, 5.0])))
    assert near.loss(seen) == ((1 - 2) ** 2 + (5 - 2) ** 2) / 2


def test_a_term_of_ones_own_is_added_to_the_loss_of_a_game(tiny, own_module):
    *_, plain = turn_values(tiny())
    game, variables, batch, values = turn_values(tiny(**{"terms.mine": {**own_module, "place": 2.0}}))
    expected = jnp.mean((game.discriminate(variables, batch["image"]) - 2) ** 2)
    value, (_, metrics) = values["discriminator"]
    assert float(metrics["near"]) == pytest.approx(float(expected), rel=1e-5)
    assert float(value) == pytest.approx(float(plain["discriminator"][0] + 0.1 * expected), rel=1e-5)


def test_a_term_of_ones_own_takes_its_keys_alone(own_module):
    with pytest.raises(UserError, match=r"config\.terms\.mine\.plaice: there is no such key; did you mean place"):
        complete({"terms": {"mine": {**own_module, "plaice": 2.0}}})
    with pytest.raises(UserError, match=r"config\.terms\.mine\.weight=-1\.0: must be at least 0"):
        complete({"terms": {"mine": {**own_module, "weight": -1.0}}})


def test_a_saved_run_may_not_choose_what_is_imported(own_module):
    with only_the_librarys_own(), pytest.raises(UserError, match=r"config\.terms\.mine\.function=.*--code=FOLDER"):
        complete({"terms": {"mine": own_module}})


@pytest.mark.parametrize(
    "config, message",
    [
        ({"lecan": {}}, "config.terms.lecan: there is no such term in this game; did you mean lecam?"),
        ({"r3": {}}, "config.terms.r3: there is no such term in this game; "),
        ({"x": {"function": "nowhere.near"}}, "config.terms.x.function='nowhere': there is no module nowhere"),
        ({"x": {"function": "near"}}, "config.terms.x.function='near': must be written module.function"),
        ({"x": {"function": "gan_jax.terms.nothing"}}, "gan_jax.terms has no nothing"),
        ({"r1": {"weigth": 1.0}}, "config.terms.r1.weigth: there is no such key; did you mean weight?"),
        ({"r1": {"weight": -1.0}}, "config.terms.r1.weight=-1.0: must be at least 0"),
        ({"r1": {"every": 0}}, "--config.terms.r1.every=0: must be at least 1"),
        ({"r1": {"final": 2.0}}, "config.terms.r1.final=2.0: must be between 0 and 1"),
        ({"lecam": {"decay": 1.0}}, "config.terms.lecam.decay=1.0: must be between 0"),
        ({"r1": 3.0}, "config.terms.r1 must be a group of keys, not 3.0"),
    ],
)
def test_what_there_is_not_is_one_line(config, message):
    with pytest.raises(UserError) as caught:
        complete({"terms": config})
    assert message in str(caught.value) and len(str(caught.value).splitlines()) == 1
