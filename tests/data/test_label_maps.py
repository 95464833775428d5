"""Label maps: palettes, the classes of pictures exact and blurred, their sizes, and sets of them."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_jax import data
from gan_jax.config import config_for
from gan_jax.data import label_maps, pictures
from gan_jax.data.label_maps import FOUND, Palette, classes_of, find, fitted, look_for, read
from gan_jax.errors import UserError

THREE = Palette(("sky", "wall", "door"), np.array([[0, 0, 220], [0, 50, 255], [255, 0, 0]], np.uint8))


def drawing(seed, height=24, width=36, classes=3, least=4):
    """Rectangles of classes, `least` pixels or more to a side."""
    rng, drawn = np.random.default_rng(seed), np.zeros((height, width), np.uint8)
    for _ in range(8):
        y, x = rng.integers(0, (height - least, width - least))
        h, w = rng.integers(least, (height - y + 1, width - x + 1))
        drawn[y : y + h, x : x + w] = rng.integers(classes)
    return drawn


def photo(seed, height=24, width=36):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def data_of(**changes):
    config = config_for("pix2pix").data
    config.update(changes)
    return config


def saved(folder, name, picture, **how):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / name, **how)


def write(path, stored):
    path.write_text(json.dumps(stored))
    return str(path)


def test_palettes_are_written_in_three_ways(tmp_path):
    palette = read(write(tmp_path / "p.json", {"a": "#0001ff", "b": [1, 2, 3], "c": 7}))
    assert palette.names == ("a", "b", "c")
    np.testing.assert_array_equal(palette.colors, [[0, 1, 255], [1, 2, 3], [7, 7, 7]])
    assert read("facades").names[:3] == ("background", "facade", "window") and len(read("facades").names) == 12


@pytest.mark.parametrize("stored, message", [
    ({"a": "#0001fg", "b": 1}, "must hold"), ({"a": 256, "b": 1}, "must hold"), ([1, 2], "must hold"),
    ({"a": [1, 2], "b": 1}, "must hold"), ({"a": 1}, "from 2 to 256"), ({"a": 1, "b": "#010101"}, "of its own color"),
])  # fmt: skip
def test_what_is_no_palette(tmp_path, stored, message):
    with pytest.raises(UserError, match=message):
        read(write(tmp_path / "p.json", stored))


def test_a_palette_that_is_not_there():
    with pytest.raises(UserError, match=r"--config.data.palette=facade: must be FILE.json .*facades"):
        read("facade")
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read("none.json")


@pytest.mark.parametrize("seed", range(3))
def test_colors_are_classes_also_of_numbers_side_by_side(seed):
    drawn = drawing(seed)
    for palette in (THREE, Palette(THREE.names, np.arange(3, dtype=np.uint8)[:, None].repeat(3, axis=1))):
        classes, unknown = classes_of(palette.colors[drawn], palette)
        assert classes.dtype == np.uint8 and not unknown.any()
        np.testing.assert_array_equal(classes, drawn)


def test_borders_that_jpeg_blurs_are_of_the_classes_beside_them(tmp_path):
    """A blend of the first and the last is nearest to the second, which is nowhere drawn."""
    palette = Palette(THREE.names, np.array([[200, 0, 0], [100, 100, 80], [0, 200, 0]], np.uint8))
    drawn = 2 * (drawing(0, 64, 96) > 0).astype(np.uint8)
    saved(tmp_path, "map.jpg", palette.colors[drawn], quality=75)
    picture = np.asarray(Image.open(tmp_path / "map.jpg"))
    distance = np.linalg.norm(picture[:, :, None] - palette.colors.astype(float), axis=-1)
    assert (distance.argmin(axis=-1) == 1).mean() > 0.01  # what the nearest color alone would say
    classes, unknown = classes_of(picture, palette)
    assert (classes == 1).mean() < 0.001 and (classes != drawn).mean() < 0.05 and not unknown.any()


def test_areas_of_a_color_that_is_no_classs_are_told():
    picture = THREE.colors[drawing(1)].copy()
    picture[4:10, 4:10] = (255, 255, 0)
    _, unknown = classes_of(picture, THREE)
    assert unknown[5:9, 5:9].all() and unknown.sum() <= 36
    with pytest.raises(UserError, match=r"\d% of it has colors of no class, such as #ffff00: sky, wall, door"):
        label_maps.certain_classes_of(picture, THREE)


@pytest.mark.parametrize("how", [{"format": "PNG"}, {"format": "JPEG", "quality": 85}])
def test_a_palette_is_found_in_pictures(tmp_path, how):
    colors = read("facades").colors
    drawn = [drawing(seed, 96, 96, classes=12, least=16) for seed in range(20)]
    for number, each in enumerate(drawn):
        saved(tmp_path, f"{number}", colors[each], **how)
    found = find([np.asarray(Image.open(tmp_path / f"{number}")) for number in range(20)])
    there = np.unique(drawn)
    nearest = np.linalg.norm(found.colors[:, None] - colors[there].astype(float), axis=-1)
    assert len(found.names) == len(there) and nearest.min(axis=1).max() < 12
    assert sorted(nearest.argmin(axis=1)) == list(range(len(there)))


def test_a_photo_has_no_palette():
    with pytest.raises(UserError, match=r"--config.data.palette=found: these pictures have 0 colors"):
        find([photo(0)])


@pytest.mark.parametrize("size", [(12, 18), (48, 72), (17, 23), (5, 41)])
def test_a_pixel_of_another_size_is_the_nearest(size):
    drawn = drawing(2)
    rows, columns = (((np.arange(n) + 0.5) * old / n).astype(int) for n, old in zip(size, drawn.shape, strict=True))
    np.testing.assert_array_equal(fitted(drawn, size, "stretch"), drawn[rows][:, columns])


def test_a_map_is_cropped_and_padded_as_its_photo_is():
    drawn = drawing(3)
    gray = Image.fromarray(np.uint8(100) * drawn)
    for fit, fill in (("crop", "white"), ("pad", 0)):
        expected = pictures.fitted(gray, (16, 16), fit, Image.Resampling.NEAREST, fill)
        np.testing.assert_array_equal(fitted(drawn, (16, 16), fit) * 100, np.asarray(expected))


@pytest.fixture(params=[0, 1])
def pairs(request, tmp_path):
    """(The half that is the map, a folder of six pairs, the maps, the photos)."""
    maps, photos = [drawing(seed) for seed in range(6)], [photo(seed) for seed in range(6)]
    for number in range(6):
        both = [THREE.colors[maps[number]], photos[number]]
        saved(tmp_path / "both", f"{number}.png", np.concatenate(both[:: 1 - 2 * request.param], axis=1))
    write(tmp_path / "palette.json", dict(zip(THREE.names, THREE.colors.tolist(), strict=True)))
    return request.param, tmp_path, np.stack(maps), np.stack(photos)


@pytest.mark.parametrize("pair", ["left_right", "right_left"])
@pytest.mark.parametrize("palette", ["palette.json", FOUND])
def test_the_palette_tells_which_half_is_the_map(pairs, pair, palette):
    half, folder, maps, photos = pairs
    palette = palette if palette == FOUND else str(folder / palette)
    source = data.open_source(data_of(source=f"folder:{folder}/both", pair=pair, palette=palette))
    map_name, photo_name = ("input", "image") if (pair == "left_right") == (half == 0) else ("image", "input")
    field, read_maps = source.fields[map_name], source.columns[map_name][np.arange(6)]
    assert field.modality.name == "segmentation" and field.shape == (24, 36)
    np.testing.assert_array_equal(field.modality.thumbnails(read_maps, field), THREE.colors[maps])
    if palette != FOUND:
        assert field.names == THREE.names
        np.testing.assert_array_equal(read_maps, maps)
    assert source.fields[photo_name].modality.name == "image" and source.fields[photo_name].fitted == {}
    np.testing.assert_array_equal(source.columns[photo_name][np.arange(6)], photos)


def test_maps_in_a_folder_of_their_own(pairs):
    """Found by the name of their photo; the photos are resized with antialiasing, the maps are not blended."""
    _, folder, maps, photos = pairs
    for number in range(6):
        saved(folder / "photos", f"{number}.jpg", photos[number])
        saved(folder / "maps", f"{number}.png", THREE.colors[maps[number]])
    own = {"source": f"folder:{folder}/photos", "inputs": f"folder:{folder}/maps", "image_size": "12x18"}
    source = data.open_source(data_of(palette=str(folder / "palette.json"), **own))
    assert {name: field.shape for name, field in source.fields.items()} == {"image": (12, 18, 3), "input": (12, 18)}
    expected = np.stack([fitted(each, (12, 18), "crop") for each in maps])
    np.testing.assert_array_equal(source.columns["input"][np.arange(6)], expected)
    alone = data_of(source=f"folder:{folder}/maps", palette=str(folder / "palette.json"))
    source = data.open_source(alone)
    assert source.target == "segmentation" and source.fields["segmentation"].names == THREE.names


@pytest.mark.parametrize("changes, message", [
    ({"palette": "facades", "pair": "left_right"}, r"palette=facades: only \d+% and \d+% of the halves"),
    ({"palette": "facades"}, r"0.png: \d+% of it has colors of no class"),
    ({"palette": FOUND, "source": "digits"}, "label maps are pictures of folder: or zip:, not digits"),
    ({"palette": "PALETTE", "inputs": "folder:MAPS"}, "pictures of 8x8 and 24x72: set --config.data.image_size"),
])  # fmt: skip
def test_what_does_not_fit(tmp_path, changes, message):
    strange = Palette(THREE.names, np.array([[0, 90, 0], [90, 0, 90], [200, 100, 180]], np.uint8))
    for number in range(3):
        each = [strange.colors[drawing(seed)] for seed in (number, number + 3)]
        saved(tmp_path / "both", f"{number}.png", np.concatenate(each, axis=1))
        saved(tmp_path / "maps", f"{number}.png", THREE.colors[np.zeros((8, 8), int)])
    palette = write(tmp_path / "p.json", dict(zip(THREE.names, THREE.colors.tolist(), strict=True)))
    own = {"source": f"folder:{tmp_path}/both"} | changes
    own = {key: value.replace("PALETTE", palette).replace("MAPS", f"{tmp_path}/maps") for key, value in own.items()}
    with pytest.raises(UserError, match=message):
        data.open_source(data_of(**own))


def test_another_set_has_the_palette_that_was_found(pairs):
    """Whatever is there: classes are numbered as they were."""
    half, folder, maps, _ = pairs
    own = {"source": f"folder:{folder}/both", "pair": ("left_right", "right_left")[half], "palette": FOUND}
    source = data.open_source(data_of(**own))
    drawn = np.concatenate([THREE.colors[1 + (maps[0] > 0)], photo(9)][:: 1 - 2 * half], axis=1)
    saved(folder / "other", "x.png", drawn)
    config = data_of(**own | {"source": f"folder:{folder}/other"})
    label_maps.settle(config, source.fields)
    other = data.open_source(config)
    assert other.fields == source.fields
    colors = np.uint8(other.fields["input"].fitted["palette"])[other.columns["input"][np.arange(1)]]
    np.testing.assert_array_equal(colors[0], THREE.colors[1 + (maps[0] > 0)])


def test_void_pads():
    palette = Palette(("a", "void"), np.array([[9, 9, 9], [200, 0, 0]], np.uint8))
    maps = look_for(FOUND, False, [Image.fromarray(palette.colors[drawing(0, classes=2)])])._replace(palette=palette)
    padded = np.asarray(maps.fitted(Image.fromarray(palette.colors[np.zeros((4, 8), int)]), (8, 8), "pad"))
    assert (padded[[0, 1, 6, 7]] == (200, 0, 0)).all() and (padded[2:6] == 9).all()
