"""Children of latents, and recipes from which they are made again."""

import json

import numpy as np
from linear import linear_model

from gan_jax.latent.breeding import from_json, make

SAMPLE = {"name": "sample", "label": 0, "space": "z", "seed": 0}
MUTATE = {"name": "mutate", "strength": 0.5, "class_strength": 0.0, "number": 0, "seed": 0}


def values(recipe):
    return recipe.latents.values[0, 0]


def test_a_sample_is_the_sample():
    model = linear_model()
    drawn = model.draw(range(4), np.zeros(4, int), "z")
    np.testing.assert_array_equal(make(model, {**SAMPLE, "number": 3}).latents.values, drawn.values[3:])


def test_mutations_go_some_way_to_other_latents():
    """Without strength nowhere; with all of it to another latent, whichever the parent; the norm stays between."""
    model = linear_model()
    parents = [make(model, {**SAMPLE, "number": number}) for number in (0, 1)]
    child = lambda parent, **changes: make(model, {**MUTATE, **changes}, (parent,))
    np.testing.assert_allclose(values(child(parents[0], strength=0.0)), values(parents[0]), rtol=1e-5)
    ends = [values(child(parent, strength=1.0)) for parent in parents]
    np.testing.assert_allclose(*ends, rtol=1e-5)
    others = model.draw(range(10), np.zeros(10, int), "z").values[:, 0]
    assert np.abs(others - ends[0]).max(axis=1).min() > 0.01  # no sample's
    norm = np.linalg.norm
    np.testing.assert_allclose(
        norm(values(child(parents[0]))), (norm(values(parents[0])) + norm(ends[0])) / 2, rtol=1e-5
    )
    assert not np.allclose(values(child(parents[0], number=1)), values(child(parents[0])))
    assert child(parents[0]).parents == (parents[0].identity,)


def test_classes_mutate_and_mix():
    model = linear_model(("a", "b"))
    a, b = (make(model, {**SAMPLE, "number": number, "label": number}) for number in (0, 1))
    label = lambda recipe: recipe.latents.given["label"][0]
    mixed = make(model, {"name": "mix", "share": 0.25, "layers": "all"}, (a, b))
    np.testing.assert_allclose(label(mixed), [0.75, 0.25])
    assert mixed.parents == (a.identity, b.identity)
    again = make(model, {"name": "mix", "share": 0.5, "layers": "all"}, (mixed, b))
    np.testing.assert_allclose(label(again), [0.375, 0.625])
    mutated = [label(make(model, {**MUTATE, "class_strength": 0.4, "number": n}, (a,))) for n in range(20)]
    assert {tuple(each.round(3).tolist()) for each in mutated} == {(1.0, 0.0), tuple(np.float32([0.6, 0.4]).tolist())}
    assert label(make(model, MUTATE, (b,))) == 1


def test_two_are_mixed_in_some_layers():
    model = linear_model()
    a, b = (make(model, {**SAMPLE, "number": number, "space": "w"}) for number in (0, 1))
    mixed = make(model, {"name": "mix", "share": 0.5, "layers": "1"}, (a, b)).latents.values[0]
    np.testing.assert_array_equal(mixed[0], a.latents.values[0, 0])
    np.testing.assert_allclose(mixed[1], (a.latents.values[0, 1] + b.latents.values[0, 1]) / 2, rtol=1e-6)


def test_a_recipe_survives_its_file():
    model = linear_model(("a", "b"))
    for label in (1, [0.3, 0.7]):
        parent = make(model, {**SAMPLE, "number": 5, "label": label})
        child = make(model, MUTATE, (parent,))
        for recipe in (parent, child):
            read = from_json(json.loads(json.dumps(recipe.to_json())))
            assert read.identity == recipe.identity
            np.testing.assert_array_equal(read.latents.values, recipe.latents.values)
            assert read.latents.given["label"].dtype == recipe.latents.given["label"].dtype
    assert parent.identity != child.identity
