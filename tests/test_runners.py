"""jit, pmap, mesh and fsdp play the same game."""

from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType
from tiny import get_config

from gan_jax import runners
from gan_jax.data import prepare
from gan_jax.errors import UserError
from gan_jax.game import due, init_state, make_round
from gan_jax.games.adversarial import make_game
from gan_jax.modalities import Field, image, label, points
from gan_jax.runners import make_runner, placement

FIELDS = {"image": Field(image.MODALITY, (4, 4, 1)), "label": Field(label.MODALITY, (), ("a", "b"))}


@cache
def played(name, devices, norm="none", resident=True, micro_batches=1):
    """Three rounds with SGD (Adam would turn a rounded zero into a full step): state, metrics, where the state lay.

    The networks are wide enough that fsdp shards some of their arrays, and not all.
    """
    changes = {f"networks.{player}.{key}": value for player in ("generator", "discriminator")
               for key, value in (("norm", norm), ("depth", 1), ("width", 1024))}  # fmt: skip
    if norm == "none":
        changes["terms.gradient_penalty"] = {}
    game = make_game(get_config(**changes), FIELDS)
    optimizers = dict.fromkeys(("generator", "discriminator"), optax.sgd(0.05, momentum=0.5))
    runner = make_runner(name, devices)
    average = {"axis_name": runner.axis_name, "micro_batches": micro_batches}
    play_round = make_round(runner.adapt(game), optimizers, ema_decay=lambda step: 0.9, **average)
    run = runner.compile(play_round, partial(prepare, fields=FIELDS))
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (32, 4, 4, 1), np.uint8), np.zeros(32, np.int32)
    data = runner.replicate({"image": images, "label": labels}) if resident else {}
    state = runner.place(jax.jit(lambda: init_state(game, optimizers, jax.random.key(0)))())
    for step in range(3):
        rows = rng.integers(0, 32, (1, 16)).astype(np.int32)
        batch = {"row": rows} if resident else {"image": images[rows], "label": labels[rows]}
        batch["index"] = np.arange(16, dtype=np.int32)[None]
        state, metrics = run(state, data, runner.split(batch), np.uint32(0), due(game, step))
        jax.block_until_ready(state)  # two cores, four devices: one round in flight at a time
    return runner.gather(state), jax.device_get(metrics), jax.tree.map(lambda leaf: leaf.sharding, state)


def result(*arguments, **options):
    state, metrics, _ = played(*arguments, **options)
    return jax.device_get((state, metrics))


@pytest.mark.parametrize("name, devices", [("pmap", 2), ("pmap", 4), ("mesh", 2), ("mesh", 4)])
def test_all_runners_give_the_same_state(name, devices):
    chex.assert_trees_all_close(result(name, devices), result("jit", 1), rtol=2e-5, atol=2e-6)


def test_fewer_copies_change_no_number(monkeypatch):
    assert runners.compiler_options() == {runners.BY_REGIONS: True}
    monkeypatch.setattr(runners, "compiler_options", dict)
    chex.assert_trees_all_equal(jax.device_get(played.__wrapped__("jit", 1)[:2]), result("jit", 1))


@pytest.mark.parametrize("change", [{"flags": f"--{runners.BY_REGIONS}=false"}, {"name": "xla_cpu_unheard_of"}])
def test_no_option_is_set_that_the_compiler_does_not_know_or_the_user_sets(monkeypatch, change):
    monkeypatch.setenv("XLA_FLAGS", change.get("flags", ""))
    monkeypatch.setattr(runners, "BY_REGIONS", change.get("name", runners.BY_REGIONS))
    assert runners.compiler_options.__wrapped__() == {}


@pytest.mark.parametrize("devices, parts", [(2, 1), (4, 2)])
def test_fsdp_gives_the_same_state_sharded(devices, parts):
    fsdp = played("fsdp", devices, micro_batches=parts)
    chex.assert_trees_all_close(jax.device_get(fsdp[:2]), result("jit", 1), rtol=2e-5, atol=2e-6)
    state, _, shardings = fsdp
    held = jax.tree.map(lambda leaf, sharding: np.prod(sharding.shard_shape(leaf.shape), dtype=int), state, shardings)
    shares = jax.tree.map(lambda leaf, held: held / leaf.size, state, held)
    for tree in (shares.variables["generator"]["params"], shares.ema["generator"], shares.opt_states["generator"][0]):
        assert set(jax.tree.leaves(tree)) == {1, 1 / devices}
    assert sum(jax.tree.leaves(held)) < 1.4 / devices * sum(leaf.size for leaf in jax.tree.leaves(state))


def test_placement():
    mesh = jax.make_mesh((4,), ("batch",), (AxisType.Auto,))
    shapes = {"kernel": (3, 3, 64, 128), "square": (64, 64), "odd": (6, 1026), "small": (16, 16), "scalar": ()}
    tree = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in shapes.items()}
    parts = {name: sharding.shard_shape(shapes[name]) for name, sharding in placement(tree, mesh).items()}
    assert parts == {"kernel": (3, 3, 64, 32), "square": (64, 16), "odd": (6, 1026), "small": (16, 16), "scalar": ()}


def test_each_device_holds_its_part_alone():
    runner = make_runner("fsdp", 4)
    whole = {"kernel": np.arange(2**14, dtype=np.float32).reshape(64, 256), "step": np.int32(3)}
    placed = runner.place(whole)
    assert [shard.data.nbytes for shard in placed["kernel"].addressable_shards] == [2**14] * 4
    chex.assert_trees_all_equal(runner.gather(placed), whole)
    chex.assert_trees_all_equal(make_runner("mesh", 4).gather(whole), whole)


def test_streamed_images_give_the_same_state_as_resident_ones():
    chex.assert_trees_all_equal(result("jit", 1, resident=False), result("jit", 1))


@pytest.mark.parametrize("name, devices", [("pmap", 2), ("pmap", 4), ("mesh", 2), ("fsdp", 2)])
def test_batch_normalization_takes_the_statistics_of_the_global_batch(name, devices):
    variables = lambda *place: result(*place, norm="batch")[0].variables
    chex.assert_trees_all_close(variables(name, devices), variables("jit", 1), rtol=1e-4, atol=1e-5)


def test_batch_normalization_by_device_takes_those_of_its_part_under_pmap():
    variables = lambda norm, *place: result(*place, norm=norm)[0].variables
    one = variables("batch", "jit", 1)
    for place in (("jit", 1), ("mesh", 2)):
        chex.assert_trees_all_close(variables("device_batch", *place), one, rtol=1e-4, atol=1e-5)
    with pytest.raises(AssertionError):
        chex.assert_trees_all_close(variables("device_batch", "pmap", 2), one, rtol=1e-4, atol=1e-5)


def test_auto():
    assert (make_runner("auto", 1).name, make_runner("auto", 1).devices) == ("jit", 1)
    assert (make_runner("auto").name, make_runner("auto").devices) == ("pmap", 4)
    assert make_runner("jit").devices == 1


@pytest.mark.parametrize(
    "name, devices, message",
    [("auto", 5, "this host has 4"), ("pmap", 0, "this host has 4"), ("jit", 2, "one device"), ("tpu", 1, "there are")],
)
def test_impossible_runners_are_rejected(name, devices, message):
    with pytest.raises(UserError, match=message):
        make_runner(name, devices)


@pytest.mark.parametrize("resident", [True, False])
def test_prepare(resident):
    """Examples that lie on the device and those that are streamed become the same batch, as networks have them."""
    images, labels = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1) * 23, np.array([5, 6, 7])
    stored, row = {"image": images, "label": labels, "labeled": {"image": images[::-1]}}, np.array([[2, 0]])
    rows = {"row": row} if resident else jax.tree.map(lambda leaf: leaf[row], stored)
    batch = prepare(stored if resident else {}, {**rows, "index": row}, FIELDS)
    assert set(batch) == {"image", "label", "labeled", "index"}
    np.testing.assert_allclose(batch["image"][0, 0], images[2] / 127.5 - 1, rtol=1e-6)
    np.testing.assert_allclose(batch["labeled"]["image"][0, 0], images[0] / 127.5 - 1, rtol=1e-6)
    assert batch["label"].tolist() == [[7, 5]] and batch["index"].tolist() == [[2, 0]]


def test_prepare_takes_rows_of_an_unpaired_set_where_they_are():
    fields = {"image": FIELDS["image"], "input": FIELDS["image"]}
    images, inputs = (np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1) for n in (3, 5))
    rows = {"row": np.array([[2, 0]]), "input_row": np.array([[4, 1]]), "index": np.array([[0, 1]])}
    batch = prepare({"image": images, "input": inputs}, rows, fields)
    np.testing.assert_allclose(batch["image"].ravel(), np.array([2, 0]) / 127.5 - 1, rtol=1e-6)
    np.testing.assert_allclose(batch["input"].ravel(), np.array([4, 1]) / 127.5 - 1, rtol=1e-6)
    assert "input_row" not in batch


def test_prepare_leaves_points_as_they_are():
    fields = {"points": Field(points.MODALITY, (2,))}
    batch = prepare({}, {"points": np.full((1, 2, 2), 3.5, np.float32), "index": np.zeros((1, 2), int)}, fields)
    np.testing.assert_array_equal(batch["points"], np.full((1, 2, 2), 3.5, np.float32))
