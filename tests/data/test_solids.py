"""Solids in folders, zip files and arrays."""

import builtins
import importlib.util

import numpy as np
import pytest

from gan_jax.data import open_source
from gan_jax.data.kinds import voxels

needs_trimesh = pytest.mark.skipif(not importlib.util.find_spec("trimesh"), reason="needs pip install -e '.[solids]'")
CUBE = """OFF
8 12 0
0 0 0
1 0 0
1 1 0
0 1 0
0 0 2
1 0 2
1 1 2
0 1 2
3 0 2 1
3 0 3 2
3 4 5 6
3 4 6 7
3 0 1 5
3 0 5 4
3 1 2 6
3 1 6 5
3 2 3 7
3 2 7 6
3 3 0 4
3 3 4 7
"""


def binvox(solid):
    """A file of uint8 [D, D, D], axes x, y and z."""
    flat = solid.transpose(0, 2, 1).ravel()
    body = b"".join(bytes([value, 1]) for value in flat)
    side = len(solid)
    return f"#binvox 1\ndim {side} {side} {side}\ntranslate 0 0 0\nscale 1\ndata\n".encode() + body


@pytest.fixture
def opened(config):
    def call(folder, **keys):
        return open_source(config(f"folder:{folder}", **{"resolution": 4, **keys}))

    return call


def some(side=4, seed=0):
    return (np.random.default_rng(seed).random((side,) * 3) < 0.3).astype(np.uint8)


def test_grids_of_voxels(opened, tmp_path):
    for number, label in enumerate("abb"):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / f"{number}.binvox").write_bytes(binvox(some(seed=number)))
    source = opened(tmp_path)
    assert (source.fields["voxels"].shape, source.class_names) == ((4, 4, 4), ("a", "b"))
    assert source.labels.tolist() == [0, 1, 1]
    wanted = np.stack([some(seed=number) for number in range(3)])
    for _ in range(2):  # decoded, and from the cache
        np.testing.assert_array_equal(opened(tmp_path).read(np.arange(3))["voxels"], wanted)
    halves = opened(tmp_path, resolution=2)[0]["voxels"]
    np.testing.assert_array_equal(halves, wanted[0].reshape(2, 2, 2, 2, 2, 2).max(axis=(1, 3, 5)))


@needs_trimesh
def test_a_mesh_becomes_voxels(opened, tmp_path):
    (tmp_path / "box.off").write_text(CUBE)
    solid = opened(tmp_path, resolution=8)[0]["voxels"]
    x, y, z = (np.flatnonzero(solid.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    assert z[0] == 0 and z[-1] >= 6  # it stands on the floor, and is as high as can be
    assert 3 <= len(x) <= 5 and 3 <= len(y) <= 5 and abs(x.mean() - 3.5) <= 1  # half as wide, in the middle
    assert solid[x[0] : x[-1] + 1, y[0] : y[-1] + 1, z[0] : z[-1] + 1].all()
    shell = opened(tmp_path, resolution=8, hollow=True)[0]["voxels"]
    assert 0 < shell.sum() < solid.sum()


@needs_trimesh
def test_an_open_mesh(opened, tmp_path, rejected):
    lines = CUBE.splitlines()
    (tmp_path / "box.off").write_text("\n".join([lines[0], "8 11 0", *lines[2:-1]]) + "\n")
    message = rejected(opened, tmp_path)
    assert "box.off: that mesh is not closed" in message and "--config.data.hollow=true" in message
    assert opened(tmp_path, hollow=True)[0]["voxels"].any()


def test_what_cannot_be_read(opened, tmp_path, rejected):
    (tmp_path / "a.binvox").write_bytes(b"#binvox 1\ndim 4 4 4\ndata\n\x01\x05")
    assert rejected(opened, tmp_path).endswith("a.binvox: it is no .binvox file")
    (tmp_path / "a.binvox").write_bytes(binvox(np.zeros((4, 4, 4), np.uint8)))
    assert rejected(opened, tmp_path).endswith("a.binvox: it is empty")
    (tmp_path / "a.binvox").write_bytes(binvox(some()))
    assert "its sides are 4x4x4 voxels, no multiple of --config.data.resolution=3" in rejected(
        opened, tmp_path, resolution=3
    )
    assert "--config.data.resolution: say how many voxels" in rejected(opened, tmp_path, resolution=0)


def test_a_missing_package(opened, tmp_path, rejected, monkeypatch):
    (tmp_path / "a.off").write_text(CUBE)
    find = builtins.__import__
    without = lambda name, *args: (_ for _ in ()).throw(ImportError) if name == "trimesh" else find(name, *args)
    monkeypatch.setattr(builtins, "__import__", without)
    assert "a.off: meshes need another package: pip install 'gan_jax[solids]'" in rejected(opened, tmp_path)


def test_arrays(config, tmp_path, rejected):
    solids = np.stack([some(), some(seed=1)])
    np.savez(tmp_path / "a.npz", voxels=solids, labels=[1, 0], names=["chair", "table"])
    source = open_source(config(f"npz:{tmp_path}/a.npz"))
    assert source.class_names == ("chair", "table") and source.labels.tolist() == [1, 0]
    np.testing.assert_array_equal(source.columns["voxels"], solids)
    halves = open_source(config(f"npz:{tmp_path}/a.npz", resolution=2)).columns["voxels"]
    np.testing.assert_array_equal(halves, voxels.reduced(solids, 2))
    assert "a.npz: its sides are 4x4x4" in rejected(open_source, config(f"npz:{tmp_path}/a.npz", resolution=3))
