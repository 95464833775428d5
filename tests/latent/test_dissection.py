"""Units of a generator that is made by hand: where they are active, what they cause, and paint."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from blocks import CONCEPTS, CORNER, SHAPE, blocks_model, drawn
from drawn import normal
from PIL import Image
from scipy.stats import entropy

from gan_jax.concepts import Concepts
from gan_jax.errors import UserError
from gan_jax.latent import causes
from gan_jax.latent.dissection import Counts, count, dissect, iou_of, quality_of
from gan_jax.latent.painting import Stroke, make_painter, merged, pooled, read_strokes
from gan_jax.latent.units import Edit, decoded, find_layer, layers_of, make_editor, resized


@pytest.fixture(scope="module")
def model():
    return blocks_model()


def test_layers(model):
    assert layers_of(model) == {"units": (4, 4, 3)} and find_layer(model) == "units"
    with pytest.raises(UserError, match=r"--layer=unit: no feature map of this generator has that name; .*units"):
        find_layer(model, "unit")


def test_what_a_layer_makes_and_what_becomes_of_it(model):
    latents = drawn(model, 30)
    pictures, maps = decoded(model, latents, "units")
    np.testing.assert_array_equal(maps[..., 2], latents.values.reshape(30, 4, 4))
    np.testing.assert_array_equal(pictures, model.decode(latents))
    edited = make_editor(model, latents.space, ["units"])
    np.testing.assert_array_equal(edited(latents, {"units": Edit(0.0, 7.0)}), pictures)
    half = edited(latents, {"units": Edit(np.array([0.5, 0, 0]), np.array([1.0, 0, 0]))})
    expected = np.clip(0.5 + 0.5 * maps[..., 0] + 0.5 * maps[..., 1], 0, 1)
    np.testing.assert_allclose(half[..., 0], 255 * expected, atol=1)


def test_counts_are_those_of_loops():
    maps, levels = np.asarray(normal(20, 3, 5, 4)), np.sort(normal(2, 4, seed=2), axis=0)
    masks = np.asarray(normal(20, 3, 5, 2, seed=1)) > 0.3
    found = count(maps, masks, levels)
    on = maps[None] > levels[:, None, None, None]
    both = np.einsum("tnhwc,nhwk->tck", on.astype(int), masks.astype(int))
    either = np.sum(on[..., None] | masks[:, :, :, None], axis=(1, 2, 3))
    np.testing.assert_allclose(found.both, both)
    np.testing.assert_allclose(iou_of(found), both / either)
    np.testing.assert_allclose(found.total, np.einsum("nhwc,nhwk->ck", maps, masks), rtol=1e-4)
    for t, c, k in np.ndindex(2, 4, 2):
        table = np.array([[np.mean((on[t, ..., c] == a) & (masks[..., k] == b)) for b in (0, 1)] for a in (0, 1)])
        information = entropy(table.sum(axis=0)) + entropy(table.sum(axis=1)) - entropy(table.ravel())
        np.testing.assert_allclose(quality_of(found)[t, c, k], information / entropy(table.ravel()), atol=1e-9)


def test_nothing_is_on_and_nothing_is_there():
    none = Counts(np.zeros((1, 1)), np.zeros(1), np.zeros((1, 1, 1)), np.zeros((1, 1)), 16.0)
    assert iou_of(none) == 0 and quality_of(none) == 0


def test_maps_are_enlarged_between_their_centers():
    np.testing.assert_allclose(resized(jnp.array([0.0, 1]).reshape(1, 1, 2, 1), (1, 4)).ravel(), [0, 0.25, 0.75, 1])


def test_a_unit_is_found_if_it_follows_the_concept_and_not_its_place(model):
    found = dissect(model, drawn(model), "units", CONCEPTS)
    assert found.samples == 200
    np.testing.assert_allclose([found.iou[0, 0], found.quality[0, 0]], 1)  # it is white where the unit is
    assert found.iou[1, 1] > 0.9 and found.null[1] > 0.9  # always in the corner: of any other sample as well
    assert found.found.tolist()[:2] == [[True, False], [False, False]]
    assert found.null[0] < 0.3 and found.ranked(0)[0] == 0
    np.testing.assert_allclose(found.value[:2, 0], [1, 1 / 16], atol=0.03)
    np.testing.assert_allclose(found.there[0], 1 / 16)


def test_a_dissection_needs_places_and_samples(model):
    with pytest.raises(UserError, match="these concepts have no place in a picture"):
        dissect(model, drawn(model), "units", Concepts(("a",), score=CONCEPTS.score))
    with pytest.raises(UserError, match="--num=39: must be at least 40"):
        dissect(model, drawn(model, 39), "units", CONCEPTS)


def test_what_is_removed(model):
    editor, latents = make_editor(model, "z", ["units"]), drawn(model, 50)
    edited = lambda edit: editor(latents, {"units": edit})
    amount = lambda pictures: CONCEPTS.amount(pictures, model.makes)
    before = amount(edited(Edit(0.0, 0.0)))
    for unit, share in ((0, 1.0), (1, 0.0), (2, 0.0)):
        after = amount(edited(causes.ablation(np.array([unit]), 3)))
        np.testing.assert_allclose(causes.removed(before, after)[0], share)
    assert np.isnan(causes.removed(np.zeros((4, 1)), np.ones((4, 1))))
    sets = causes.random_units(5, 3, 4, seed=0)
    assert len(sets) == 4 and all(len(set(units)) == 3 for units in sets)


def test_the_unit_that_matters_is_found_by_gradients(model):
    rank = causes.make_ranker(model, "z", "units", CONCEPTS)
    alpha = rank(drawn(model, 40), 0, np.array([1.0, 0, 0]), 60)
    assert alpha[0] > 0.9 and alpha[1:].max() < 0.5


def test_insertions_are_judged_at_their_place(model):
    latents, editor = drawn(model, 60), make_editor(model, "z", ["units"])
    edited, before = lambda edit: editor(latents, {"units": edit}), model.decode(latents)
    inserted = Edit(np.array([1.0, 0, 0]), np.array([1.0, 5, 5]))
    found, after = causes.insertions(edited, CONCEPTS.masks(before), (4, 4, 3), CONCEPTS, 0, [inserted], side=1)
    changed = np.sum(before != after, axis=(1, 2, 3))
    assert set(changed) <= {0, 1} and np.all(found.after == 1)
    np.testing.assert_array_equal(found.before == 1, found.context == 0)
    np.testing.assert_array_equal(changed == 0, found.before == 1)
    assert {0, 1, 2} >= set(found.context) and np.mean(found.context == 2) > 0.7  # most places are of no concept


def test_units_that_spoil_pictures(model):
    """By a distance that is the light in the corner."""
    editor = make_editor(model, "z", ["units"])
    edited = lambda latents, edit: editor(latents, {"units": edit})
    corner = lambda pictures: float(pictures[:, *CORNER, 0].mean())
    found = causes.artefacts(edited, drawn(model, 40), 3, corner, size=1)
    assert found.units.tolist() == [1] and found.after < 60 < 100 < found.before
    assert found.after < found.random <= found.before


def stroke(units, value, mask, layer="units"):
    return Stroke(layer, np.array(units), np.array(value, float), np.array(mask, float))


def test_strokes_lie_one_over_the_other():
    left, all_over = [[1, 0], [1, 0]], np.full((2, 2), 0.5)
    edit = merged(
        {"a": (1, 2, 3), "b": (1, 1, 1)}, [stroke([0, 2], [4, 8], left, "a"), stroke([0], [2], all_over, "a")]
    )
    # Half of 2 over all of 4 on the left; on the right there is nothing below.
    np.testing.assert_allclose(edit["a"].alpha[0], [[1, 0, 1], [0.5, 0, 0]])
    np.testing.assert_allclose(edit["a"].value[0], [[3, 0, 8], [2, 0, 0]])
    assert not edit["b"].alpha.any()


def test_a_cell_is_painted_as_its_most_painted_pixel():
    mask = np.zeros((5, 4))
    mask[2, 1] = 0.7
    np.testing.assert_allclose(pooled(mask, (2, 2)), [[0.7, 0], [0.7, 0]])  # the middle row touches both
    np.testing.assert_allclose(pooled(mask, (5, 4)), mask)
    np.testing.assert_allclose(pooled(np.array([[0.2, 0.9]]), (2, 4)), [[0.2, 0.2, 0.9, 0.9]] * 2)


def test_painting(model):
    """Without strokes nothing changes; a removed stroke is undone; all by one compilation."""
    paint, latents = make_painter(model, "z"), drawn(model, 3)
    plain = paint(latents, [])
    np.testing.assert_array_equal(plain, model.decode(latents))
    mask = np.zeros(SHAPE[:2])
    mask[0, :2] = 1
    painted = paint(latents, [stroke([0], [1], mask)])
    assert np.all(painted[:, 0, :2] == 255)
    np.testing.assert_array_equal(painted[:, 1:], plain[:, 1:])
    gone = paint(latents, [stroke([0], [1], mask), stroke([0, 1], [0, 0], np.ones(SHAPE[:2]))])
    assert np.all(gone == 0)


@pytest.fixture
def folder(model, tmp_path):
    """A folder with a report of a dissection."""
    effects = {"white": {"units": {"iou": [0, 2]}, "best": "iou", "value": [1.0, 0.0, 3.0]}}
    effects["class"] = {"units": {"optimized": [1]}, "best": "optimized"}
    report = {"run": {"generator": model.fingerprint}, "layer": "units", "effects": effects}
    (tmp_path / "report.json").write_text(json.dumps(report))
    Image.fromarray(np.uint8([[0, 51], [255, 0]]).repeat(2, 0).repeat(2, 1)).save(tmp_path / "mask.png")
    Image.new("L", (4, 5)).save(tmp_path / "other.png")
    return tmp_path


def test_strokes_of_a_file(model, folder):
    strokes = [
        {"concept": "white", "rectangle": [1, 0, 3, 2], "strength": 0.5},
        {"concept": "white", "units": 1, "do": "remove", "mask": "mask.png"},
        {"layer": "units", "units": [1], "value": 2, "rectangle": [0, 0, 4, 4], "strength": 3},
        {"concept": "class", "do": "remove", "rectangle": [0, 0, 1, 1]},
    ]
    (folder / "strokes.json").write_text(json.dumps(strokes))
    first, second, third, fourth = read_strokes(folder / "strokes.json", model, folder)
    assert (first.layer, first.units.tolist(), first.value.tolist()) == ("units", [0, 2], [1, 3])
    assert first.mask.tolist() == [[0, 0.5, 0.5, 0]] * 2 + [[0] * 4] * 2
    assert (second.units.tolist(), second.value.tolist()) == ([0], [0])
    np.testing.assert_allclose(second.mask[::2, ::2], [[0, 0.2], [1, 0]])
    assert (third.units.tolist(), third.value.tolist(), third.mask.max()) == ([1], [6], 1)
    assert (fourth.units.tolist(), fourth.value.tolist()) == ([1], [0])


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"concept": "wite", "rectangle": [0, 0, 1, 1]}, "the dissection knows no units of 'wite': it found white"),
        ({"concept": "class", "rectangle": [0, 0, 1, 1]}, "'class' can be removed only"),
        ({"concept": "white", "mask": "other.png"}, "the mask is 4x5, the picture 4x4 pixels"),
        ({"concept": "white", "mask": "none.png"}, r"none\.png is no picture that can be read"),
        ({"concept": "white", "rectangle": [0, 0, 5, 1]}, r"must lie in the picture, \[0, 0, 4, 4\]"),
        ({"concept": "white", "rectangle": [0, 0, 1]}, r"must be \[left, top, right, bottom\]"),
        ({"concept": "white"}, 'needs "rectangle"'),
        ({"concept": "white", "do": "paint", "rectangle": [0, 0, 1, 1]}, 'must be "draw" or "remove"'),
        ({"concept": "white", "strength": 20, "rectangle": [0, 0, 1, 1]}, "must be above 0 and at most 10 to draw"),
        ({"concept": "white", "do": "remove", "strength": 2, "rectangle": [0, 0, 1, 1]}, "at most 1 to remove"),
        ({"concept": "white", "units": 3, "rectangle": [0, 0, 1, 1]}, "from 1 to 2"),
        ({"concept": "white", "masc": "a"}, "there is no masc; .*mask"),
        ({"layer": "unit", "units": [0], "value": 1, "rectangle": [0, 0, 1, 1]}, "no feature map .* the name 'unit'"),
        ({"layer": "units", "units": [3], "value": 1, "rectangle": [0, 0, 1, 1]}, "must be numbers from 0 to 2"),
        ({"layer": "units", "units": [0], "rectangle": [0, 0, 1, 1]}, "it has no 'value'"),
        ({"layer": "units", "units": [0], "value": [1, 2], "rectangle": [0, 0, 1, 1]}, "one number, or one for each"),
    ],
)  # fmt: skip
def test_mistakes_in_strokes(model, folder, own, message):
    (folder / "strokes.json").write_text(json.dumps([own]))
    with pytest.raises(UserError, match=rf"--strokes=.*strokes\.json: stroke 0: .*{message}"):
        read_strokes(folder / "strokes.json", model, folder)


def test_files_that_hold_no_strokes(model, folder):
    for content, message in (("{", "is no JSON"), ('{"a": 1}', "must be a list of strokes")):
        (folder / "strokes.json").write_text(content)
        with pytest.raises(UserError, match=message):
            read_strokes(folder / "strokes.json", model, folder)
    with pytest.raises(UserError, match="there is no such file"):
        read_strokes(folder / "none.json", model, folder)
    (folder / "strokes.json").write_text('[{"concept": "white", "rectangle": [0, 0, 1, 1]}]')
    with pytest.raises(UserError, match="there is no report of --mode=dissect in"):
        read_strokes(folder / "strokes.json", model, folder / "none")
    report = json.loads((folder / "report.json").read_text())
    (folder / "report.json").write_text(json.dumps({**report, "run": {"generator": "other"}}))
    with pytest.raises(UserError, match="is the dissection of another run"):
        read_strokes(folder / "strokes.json", model, folder)
