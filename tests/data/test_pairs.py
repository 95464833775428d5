"""Inputs and targets: halves of pictures, partners by name, sets without pairs."""

import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import open_source
from gan_jax.data.sources import folder

RED, BLUE = (255, 0, 0), (0, 0, 255)


def save(path, color, size=(6, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, color).save(path)


def save_halves(path, left, right, size=(6, 4)):
    """Two pictures of one color each, side by side."""
    width, height = size
    picture = Image.new("RGB", (2 * width, height), left)
    picture.paste(Image.new("RGB", size, right), (width, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


@pytest.fixture
def halves(tmp_path):
    for number in range(5):
        save_halves(tmp_path / "halves" / f"{number}.png", (number, 0, 0), (0, 0, 100 + number))
    return tmp_path / "halves"


@pytest.fixture
def two(tmp_path):
    """Targets 0, 1, 2 in blue, inputs of the same names, but another kind, in red."""
    for number, name in enumerate(("a", "b/c", "d")):
        save(tmp_path / "targets" / f"{name}.png", (0, 0, 10 * number))
    for number, name in enumerate(("a", "b/c", "d")):
        save(tmp_path / "inputs" / f"{name}.bmp", (10 * number, 0, 0))
    return tmp_path


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(("pair", "channel"), [("left_right", 0), ("right_left", 2)])
def test_the_half_that_is_named_first_is_the_input(config, halves, pair, channel, zipped):
    name = f"folder:{halves}"
    if zipped:
        name = f"zip:{shutil.make_archive(halves, 'zip', halves.parent)}/halves"
    source = open_source(config(name, pair=pair))
    assert source.fields["image"].shape == source.fields["input"].shape == (4, 6, 3) and len(source) == 5
    examples = source.read(np.array([3, 1]))
    start = 0 if channel == 0 else 100
    for row, number in enumerate((3, 1)):
        assert (examples["input"][row, ..., channel] == start + number).all()
        assert (examples["image"][row, ..., 2 - channel] == 100 - start + number).all()
    assert source.nbytes == 2 * 5 * 4 * 6 * 3


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_each_half_is_fitted_by_itself(config, tmp_path, fit):
    save_halves(tmp_path / "wide" / "1.png", RED, BLUE, size=(30, 10))
    source = open_source(config(f"folder:{tmp_path / 'wide'}", "8x8", fit, pair="left_right"))
    row = source[0]
    assert row["image"].shape == row["input"].shape == (8, 8, 3)
    assert (row["input"][4] == RED).all() and (row["image"][4] == BLUE).all()  # no column is a mixture


def test_a_picture_without_two_halves_is_named(config, tmp_path, rejected):
    save(tmp_path / "odd" / "seven.png", RED, size=(7, 4))
    message = rejected(open_source, config(f"folder:{tmp_path / 'odd'}", pair="left_right"))
    assert "seven.png" in message and "7 pixels wide" in message


def test_partners_have_one_name(config, two):
    source = open_source(config(f"folder:{two / 'targets'}", inputs=f"folder:{two / 'inputs'}"))
    examples = source.read(np.arange(3))
    assert examples["image"][:, 0, 0, 2].tolist() == examples["input"][:, 0, 0, 0].tolist() == [0, 10, 20]
    assert folder.names(str(two / "inputs")) == ["a.bmp", "b/c.bmp", "d.bmp"]


def test_the_order_of_files_is_not_that_of_their_names(config, two):
    for number, name in enumerate(("a.c", "a")):  # a.c.png < a.png, but a.bmp < a.c.bmp
        save(two / "named" / "targets" / f"{name}.png", (0, 0, 10 * number))
        save(two / "named" / "inputs" / f"{name}.bmp", (10 * number, 0, 0))
    file = shutil.make_archive(two / "named", "zip", two / "named")
    for form, place in (("folder", two / "named"), ("zip", file)):
        examples = open_source(config(f"{form}:{place}/targets", inputs=f"{form}:{place}/inputs")).everything()
        assert examples["image"][:, 0, 0, 2].tolist() == examples["input"][:, 0, 0, 0].tolist() == [0, 10]


def test_rows_keep_their_partners_in_every_part(config, two):
    source = open_source(config(f"folder:{two / 'targets'}", inputs=f"folder:{two / 'inputs'}", held_out=0.34))
    assert (len(source), len(source.splits["held_out"])) == (2, 1)
    for part in (source, source.splits["held_out"], source.select(np.array([1, 0]))):
        examples = part.everything()
        np.testing.assert_array_equal(examples["image"][:, 0, 0, 2], examples["input"][:, 0, 0, 0])


def test_whole_sets_without_pairs_keep_all_inputs_beside_every_part(config, two):
    save(two / "inputs" / "extra.png", RED)
    given = {"inputs": f"folder:{two / 'inputs'}", "paired": False, "held_out": 0.34}
    source = open_source(config(f"folder:{two / 'targets'}", **given))
    assert (len(source), len(source.splits["held_out"])) == (2, 1)
    for part in (source, source.splits["held_out"], source.select(np.array([1]))):
        assert len(part.splits["unpaired"]) == 4
    assert source.everything()["input"].shape == (4, 4, 6, 3)


def test_halves_without_labels_can_be_held_out(config, halves, rejected):
    source = open_source(config(f"folder:{halves}", pair="left_right", held_out=0.4))
    assert (list(source.fields), len(source), len(source.splits["held_out"])) == (["image", "input"], 3, 2)
    seen = []
    for part in (source, source.splits["held_out"]):
        examples = part.everything()
        numbers = examples["input"][:, 0, 0, 0]
        np.testing.assert_array_equal(examples["image"][:, 0, 0, 2], 100 + numbers)
        seen += numbers.tolist()
    assert sorted(seen) == [0, 1, 2, 3, 4]
    message = rejected(open_source, config(f"folder:{halves}", pair="left_right", labeled=2))
    assert "--config.data.labeled is for sets with labels" in message


def test_a_picture_without_a_partner_is_reported(config, two, rejected):
    save(two / "inputs" / "extra.png", RED)
    message = rejected(open_source, config(f"folder:{two / 'targets'}", inputs=f"folder:{two / 'inputs'}"))
    assert "4 pictures" in message and "'extra'" in message and "--config.data.paired=false" in message


def test_as_many_pictures_of_other_names_are_no_partners(config, two, rejected):
    (two / "inputs" / "d.bmp").rename(two / "inputs" / "e.bmp")
    message = rejected(open_source, config(f"folder:{two / 'targets'}", inputs=f"folder:{two / 'inputs'}"))
    assert "2 have no partner, such as 'd'" in message and "--config.data.paired=false" in message


def test_two_pictures_of_one_name_are_reported(config, two, rejected):
    save(two / "inputs" / "a.png", RED)
    message = rejected(open_source, config(f"folder:{two / 'targets'}", inputs=f"folder:{two / 'inputs'}"))
    assert "some names are there twice" in message


def test_broken_pictures_cannot_be_skipped_in_pairs(config, two, rejected):
    (two / "inputs" / "d.bmp").write_bytes(b"no picture")
    given = config(f"folder:{two / 'targets'}", skip_broken=True, inputs=f"folder:{two / 'inputs'}")
    assert "cannot be skipped" in rejected(open_source, given)


def test_sets_without_pairs(config, two, halves):
    save(two / "inputs" / "extra.png", RED)
    source = open_source(config(f"folder:{two / 'targets'}", inputs=f"folder:{two / 'inputs'}", paired=False))
    assert (len(source), len(source.splits["unpaired"]), list(source.fields)) == (3, 4, ["image", "label"])
    assert list(source.splits["unpaired"].fields) == ["input"]
    assert {name: leaf.shape for name, leaf in source.everything().items()} == {
        "image": (3, 4, 6, 3), "label": (3,), "input": (4, 4, 6, 3),
    }  # fmt: skip
    assert set(source[0]) == {"image", "label"} and source.nbytes == 7 * 4 * 6 * 3 + 3 * 4
    source = open_source(config(f"folder:{halves}", pair="right_left", paired=False))
    assert (source.everything()["input"][..., 2] >= 100).all() and list(source.fields) == ["image"]


def test_gray_becomes_color_where_the_others_are(config, two):
    shutil.rmtree(two / "inputs")
    for name in ("a", "b/c", "d"):
        save(two / "inputs" / f"{name}.png", 7, mode="L")
    for targets, inputs in (("targets", "inputs"), ("inputs", "targets")):
        source = open_source(config(f"folder:{two / targets}", inputs=f"folder:{two / inputs}"))
        examples = source.read(np.arange(3))
        assert examples["image"].shape == examples["input"].shape == (3, 4, 6, 3)
        assert (examples["input" if inputs == "inputs" else "image"] == 7).all()


def test_arrays_are_sets_too_but_have_no_names(config, tmp_path, rejected):
    for name, count in (("a", 3), ("b", 5)):
        np.savez(tmp_path / f"{name}.npz", images=np.full((count, 4, 4, 1), count, np.uint8))
    a, b = (f"npz:{tmp_path / name}.npz" for name in "ab")
    assert len(open_source(config(a, inputs=b, paired=False)).splits["unpaired"]) == 5
    assert "pairs by name need folder:PATH or zip:FILE" in rejected(open_source, config(a, inputs=b))


def test_sizes_must_fit(config, two, rejected):
    shutil.rmtree(two / "inputs")
    save(two / "inputs" / "a.png", RED, size=(8, 8))
    given = {"inputs": f"folder:{two / 'inputs'}", "paired": False}
    message = rejected(open_source, config(f"folder:{two / 'targets'}", **given))
    assert "8x8 and 4x6" in message and "--config.data.image_size" in message
    source = open_source(config(f"folder:{two / 'targets'}", 4, **given))
    assert source.splits["unpaired"].fields["input"].shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pair": "left_right"}, "only pictures of folder: or zip: have halves, not digits"),
        ({"pair": "left_right", "task": "edges"}, "set one of them"),
        ({"inputs": "digits", "task": "edges"}, "set one of them"),
        ({"inputs": "digits", "pair": "left_right"}, "set one of them"),
    ],
)
def test_contradictions_are_rejected(config, rejected, changes, message):
    assert message in rejected(open_source, config("digits", **changes))
