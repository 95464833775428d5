"""What terms add to the losses of the adversarial game."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from playing import KEY, sampled, turn_values

from gan_jax import losses, regularizers
from gan_jax.networks import mlp


def added(tiny, turn, changes, **data):
    """What `changes` add to the loss of a turn, and the metrics with them."""
    *_, plain = turn_values(tiny(), **data)
    *_, changed = turn_values(tiny(**changes), **data)
    return float(changed[turn][0] - plain[turn][0]), changed[turn][1][1]


@pytest.mark.parametrize(
    "turn, name, own",
    [
        ("discriminator", "r1", {}),
        ("discriminator", "latent_consistency", {"sigma": 1.0}),
        ("generator", "feature_matching", {}),
        ("generator", "diversity", {"sigma": 1.0}),
    ],
)
def test_a_term_is_added_with_its_weight_and_logged(tiny, turn, name, own):
    changes = ({f"terms.{name}": {"weight": weight, **own}} for weight in (2.0, 6.0))
    (twice, metrics), (six_times, _) = (added(tiny, turn, each) for each in changes)
    assert twice == pytest.approx(2 * float(metrics[name]), rel=1e-3, abs=1e-6)
    assert six_times == pytest.approx(3 * twice, rel=1e-3) and (twice < 0 if name == "diversity" else twice > 0)


def test_an_adversarial_term_of_the_generator_has_its_weight(tiny):
    values = [turn_values(tiny(**{"terms.adversarial.weight": weight}))[-1]["generator"][0] for weight in (1.0, 0.5)]
    assert float(values[0]) == pytest.approx(2 * float(values[1]))


@pytest.mark.parametrize("weight", ["real", "fake"])
def test_consistency_with_augmentations_of_images(tiny, weight):
    changes = {f"terms.{weight}_consistency": {"weight": 10.0}}
    difference, metrics = added(tiny, "discriminator", changes, shape=(8, 8, 1))
    assert difference == pytest.approx(10 * float(metrics[f"{weight}_consistency"]), rel=1e-3) and difference > 0


def test_lecam_pulls_to_moving_averages_of_the_other_sort(tiny):
    config = tiny(**{"terms.lecam": {"weight": 3.0, "decay": 0.9, "start": 0}})
    game, variables, batch, _ = turn_values(config)
    own = {**variables["discriminator"], "lecam": {"real": jnp.float32(1), "fake": jnp.float32(-2)}}
    _, (updates, metrics) = game.turns[0].loss({**variables, "discriminator": own}, {**batch, "step": 1}, KEY)
    real = np.asarray(game.discriminate(variables, batch["image"]))
    fake = np.asarray(game.discriminate(variables, sampled(game, variables, jax.random.split(KEY)[0], batch["index"])))
    anchors = {"real": 0.9 * 1 + 0.1 * real.mean(), "fake": 0.9 * -2 + 0.1 * fake.mean()}
    expected = np.mean((real - anchors["fake"]) ** 2) + np.mean((anchors["real"] - fake) ** 2)
    assert float(metrics["lecam"]) == pytest.approx(expected, rel=1e-4)
    assert {name: float(x) for name, x in updates["lecam"].items()} == pytest.approx(anchors, rel=1e-4)
    assert variables["discriminator"]["lecam"] == {"real": 0, "fake": 0}


@pytest.mark.parametrize("step, on, kept", [(999, False, 0.0), (1000, False, 0.9), (1001, True, 0.9)])
def test_lecam_begins_after_a_thousand_rounds(tiny, step, on, kept):
    game, variables, batch, _ = turn_values(tiny(**{"terms.lecam": {"decay": 0.9}}))
    own = {**variables["discriminator"], "lecam": {"real": jnp.float32(100), "fake": jnp.float32(0)}}
    _, (updates, metrics) = game.turns[0].loss({**variables, "discriminator": own}, {**batch, "step": step}, KEY)
    real = np.asarray(game.discriminate(variables, batch["image"])).mean()
    assert (float(metrics["lecam"]) > 0) == on
    assert float(updates["lecam"]["real"]) == pytest.approx(kept * 100 + (1 - kept) * real, rel=1e-4)


def test_top_k_learns_from_the_best_fakes_alone(tiny):
    game, variables, batch, values = turn_values(tiny(**{"top_k.share": 0.25}))
    logits = game.discriminate(variables, sampled(game, variables, KEY, batch["index"]))
    best = np.sort(np.asarray(logits))[-2:]
    assert float(values["generator"][0]) == pytest.approx(float(np.log1p(np.exp(-best)).mean()), rel=1e-4)


@pytest.mark.parametrize("odena", [0.0, 3.0])
def test_an_auxiliary_classifier_learns_from_real_examples_and_teaches_the_generator(tiny, odena):
    changes = {"terms.classes": {"discriminator": 2.0, "generator": 0.1}, "terms.fake_classes": {"weight": odena}}
    config = tiny(**changes, **{"networks.discriminator.conditioning": "auxiliary"})
    game, variables, batch, values = turn_values(config, num_classes=3)
    network = mlp.Discriminator(num_classes=3, width=8, depth=2, conditioning="auxiliary")

    def output(examples):
        found = network.apply(variables["discriminator"], examples, batch["label"])
        return found.logits, float(regularizers.cross_entropy(found.classes, batch["label"]).mean())

    real, wrong_real = output(batch["image"])
    for turn, key, expected in (
        ("discriminator", jax.random.split(KEY)[0], lambda wrong_fake: 2 * wrong_real + odena * wrong_fake),
        ("generator", KEY, lambda wrong_fake: 0.1 * wrong_fake),
    ):
        fake, wrong_fake = output(sampled(game, variables, key, batch["index"], batch["label"]))
        value, (_, metrics) = values[turn]
        assert float(metrics["classes"]) == pytest.approx(wrong_real if turn == "discriminator" else wrong_fake, 1e-5)
        assert ("fake_classes" in metrics) == (odena > 0 and turn == "discriminator")
        rest = getattr(losses.non_saturating, turn)(real, fake).mean()
        assert float(value) == pytest.approx(float(rest) + expected(wrong_fake), rel=1e-5)


@pytest.mark.parametrize("labels", [0, 3])
def test_san_moves_the_last_direction_by_itself(tiny, labels):
    """The logits are those without it; the objective moves all but the direction, the term the direction alone."""
    network = mlp.Discriminator(num_classes=labels, width=8, depth=2, conditioning="projection", san=True)
    game, variables, batch, values = turn_values(tiny(**{"terms.san": {"weight": 2.0}}), num_classes=labels)
    own, label = variables["discriminator"], batch.get("label") if labels else None
    plain, found = (each.apply(own, batch["image"], label) for each in (network.clone(san=False), network))
    np.testing.assert_allclose(found.logits, plain.logits, rtol=1e-4, atol=1e-6)

    def gradient(of):
        return jax.grad(lambda p: jnp.sum(getattr(network.apply({"params": p}, batch["image"], label), of)))(
            own["params"]
        )

    last = "Dense_2"
    along, logits = gradient("along"), gradient("logits")
    w, bias = own["params"][last]["kernel"][:, 0], float(own["params"][last]["bias"][0])
    if not labels:
        np.testing.assert_allclose(found.along, found.logits - bias, rtol=1e-4, atol=1e-5)
        assert abs(float(along[last]["kernel"][:, 0] @ w)) < 1e-4  # not its length
        other = logits[last]["kernel"][:, 0]
        np.testing.assert_allclose(other, other @ w * w / (w @ w), atol=1e-4)  # its length alone
    others = {name: layer for name, layer in along.items() if name != last and not name.startswith("Embed")}
    assert all(jnp.all(x == 0) for x in jax.tree.leaves(others))
    fake = sampled(game, variables, jax.random.split(KEY)[0], batch["index"], *([batch["label"]] if labels else []))
    on_fake = network.apply(own, fake, label)
    value, (_, metrics) = values["discriminator"]
    expected = float(jnp.mean(on_fake.along - found.along))
    assert float(metrics["san"]) == pytest.approx(expected, rel=1e-3, abs=1e-5)
    rest = float(losses.non_saturating.discriminator(found.logits, on_fake.logits).mean())
    assert float(value) == pytest.approx(rest + 2 * expected, rel=1e-4)


def test_latent_codes(tiny):
    """InfoGAN: the last latents are a category and uniform numbers, which the discriminator's head reads."""
    config = tiny(
        **{"networks.latent_size": 9, "codes": {"categories": 4, "continuous": 2}, "terms.codes": {"weight": 0.5}}
    )
    game, variables, batch, values = turn_values(config)
    z = np.asarray(game.spaces["z"].draw({}, KEY, jnp.arange(500), {}))
    noise, category, numbers = np.split(z, [3, 7], axis=1)
    assert set(np.unique(category)) == {0, 1} and (category.sum(axis=1) == 1).all()
    assert (category.mean(axis=0) > 0.15).all()
    assert np.abs(numbers).max() <= 1 and abs(numbers.std() - 3**-0.5) < 0.03
    assert abs(noise.std() - 1) < 0.1
    z = game.spaces["z"].draw(variables, KEY, batch["index"], {})
    fake = game.spaces["z"].decode(variables, z, {}, None, None)
    output = mlp.Discriminator(width=8, depth=2, num_codes=6).apply(variables["discriminator"], fake)
    read, code = output.codes, z[:, 3:]
    expected = float(regularizers.code_information(read, code, 4).mean())
    value, (_, metrics) = values["generator"]
    assert float(metrics["codes"]) == pytest.approx(expected, rel=1e-5)
    assert float(value) == pytest.approx(float(jax.nn.softplus(-output.logits).mean()) + 0.5 * expected, rel=1e-5)
