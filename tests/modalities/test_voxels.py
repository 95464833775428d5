"""Solids as networks, people and files have them."""

import builtins

import numpy as np
import pytest
from PIL import Image

from gan_jax import files, solids
from gan_jax.errors import UserError
from gan_jax.modalities import Field, from_json, model_shape, to_json
from gan_jax.modalities.voxels import MODALITY

FIELD = Field(MODALITY, (8, 8, 8))


def ball(side=8, radius=3.0):
    place = np.arange(side) - (side - 1) / 2
    return (np.sum(np.stack(np.meshgrid(place, place, place)) ** 2, axis=0) <= radius**2).astype(np.uint8)


SOLIDS = np.stack([ball(), np.zeros((8, 8, 8), np.uint8)])


def volume(corners, triangles):
    """Inside a closed surface whose triangles are counterclockwise, seen from outside."""
    a, b, c = (corners[triangles[:, n]].astype(float) for n in range(3))
    return np.sum(a * np.cross(b, c)) / 6


def test_networks_have_them_between_minus_one_and_one():
    inside = np.asarray(MODALITY.to_model(SOLIDS, FIELD))
    assert inside.shape == (2, 8, 8, 8, 1) and set(np.unique(inside)) == {-1, 1} and model_shape(FIELD) == (8, 8, 8, 1)
    np.testing.assert_array_equal(MODALITY.from_model(inside, FIELD), SOLIDS)
    np.testing.assert_array_equal(MODALITY.from_model(np.array([[-0.1], [0.1]]), FIELD), [0, 1])
    assert from_json(to_json({"voxels": FIELD})) == {"voxels": FIELD}


def test_a_rendering_is_a_shaded_solid():
    drawn = MODALITY.thumbnails(SOLIDS, FIELD)
    assert drawn.shape == (2, 96, 96, 3) and drawn.dtype == np.uint8
    assert (drawn[1] == 255).all()  # nothing on white
    seen = (drawn[0] < 255).any(axis=-1)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert abs(rows.mean() - 47.5) < 3 and abs(columns.mean() - 47.5) < 3 and 30 < len(rows) < 60
    assert drawn[0, rows[3]][seen[rows[3]]].mean() > drawn[0, rows[-4]][seen[rows[-4]]].mean() + 10  # light from above


def test_the_last_axis_is_upwards():
    low, high = np.zeros((2, 8, 8, 8), np.uint8)
    low[:, :, 0], high[:, :, -1] = 1, 1
    rows = [np.flatnonzero((picture < 255).any(axis=(1, 2))).mean() for picture in solids.render(np.stack([low, high]))]
    assert rows[0] > rows[1] + 20


def test_a_sheet_has_a_column_a_class():
    assert MODALITY.sheet(SOLIDS.repeat(4, axis=0), FIELD, labels=np.arange(8) % 4).shape == (2 * 96, 4 * 96, 3)
    assert MODALITY.watched(FIELD) == 64


def test_a_surface_is_closed():
    pytest.importorskip("skimage")
    corners, triangles = solids.mesh(ball())
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    assert set(np.unique(edges, axis=0, return_counts=True)[1]) == {2}  # each edge has two triangles
    assert 0.6 * ball().sum() < volume(corners, triangles) < ball().sum()
    whole = solids.mesh(np.ones((3, 3, 3), np.uint8))
    assert whole[0].min() == -0.5 and whole[0].max() == 2.5  # also where it touches the border
    assert len(solids.mesh(np.zeros((4, 4, 4)))[1]) == 0


def test_files(tmp_path):
    pytest.importorskip("skimage")
    MODALITY.write(SOLIDS, tmp_path / "both.npz", FIELD, np.array([3, 7]))
    with np.load(tmp_path / "both.npz") as file:
        np.testing.assert_array_equal(file["voxels"], SOLIDS)
        assert file["labels"].tolist() == [3, 7]
    MODALITY.write(SOLIDS, tmp_path / "both.png", FIELD)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "both.png")), MODALITY.sheet(SOLIDS, FIELD))
    two, (corners, triangles) = np.stack([ball(), ball()]), solids.mesh(ball())
    MODALITY.write(two, tmp_path / "two.stl", FIELD)
    content = (tmp_path / "two.stl").read_bytes()
    assert int.from_bytes(content[80:84], "little") == 2 * len(triangles) == (len(content) - 84) // 50
    faces = np.frombuffer(content[84:], [("normal", "<3f4"), ("corners", "<(3,3)f4"), ("spare", "<u2")])
    np.testing.assert_allclose(faces["corners"][: len(triangles)], corners[triangles])
    np.testing.assert_allclose(faces["corners"][len(triangles) :], corners[triangles] + [10, 0, 0])  # beside it
    outwards = np.sum(faces["normal"][: len(triangles)] * (corners[triangles].mean(axis=1) - 3.5), axis=1)
    assert outwards.min() > 0
    MODALITY.write(two, tmp_path / "two.obj", FIELD)
    assert read_obj(tmp_path / "two.obj")[1].max() == 2 * len(corners) - 1
    assert files.is_ours(tmp_path / "two.obj") and files.is_ours(tmp_path / "two.stl")


def read_obj(path):
    lines = [line.split() for line in path.read_text().splitlines()]
    corners = np.array([line[1:] for line in lines if line[0] == "v"], np.float32)
    return corners, np.array([line[1:] for line in lines if line[0] == "f"], int) - 1


def test_a_folder_of_them(tmp_path):
    pytest.importorskip("skimage")
    MODALITY.write(SOLIDS, tmp_path / "solids", FIELD, np.array([3, 7]))
    assert sorted(path.name for path in (tmp_path / "solids").iterdir()) == ["3_00000.obj", "7_00001.obj"]
    corners, triangles = read_obj(tmp_path / "solids" / "3_00000.obj")
    assert volume(corners, triangles) == pytest.approx(volume(*solids.mesh(ball())), rel=1e-3)
    assert len(read_obj(tmp_path / "solids" / "7_00001.obj")[1]) == 0
    files.claim(tmp_path / "solids", True, folder=True)


def test_a_missing_package(tmp_path, monkeypatch):
    find = builtins.__import__
    without = lambda name, *args: (_ for _ in ()).throw(ImportError) if name == "skimage.measure" else find(name, *args)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"meshes need another package: pip install 'gan_jax\[solids\]'"):
        MODALITY.write(SOLIDS, tmp_path / "a.obj", FIELD)
    assert not list(tmp_path.iterdir())
