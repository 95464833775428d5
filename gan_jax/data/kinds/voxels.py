"""Solids: meshes, made voxels, and grids of voxels."""

import io
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gan_jax.data import folders
from gan_jax.data.cache import cached
from gan_jax.data.folders import Read, Stamps
from gan_jax.data.metadata import labels_of
from gan_jax.data.source import Source, make_source
from gan_jax.errors import UserError

CALLED, SUFFIXES = "solids", (".off", ".stl", ".obj", ".binvox")


def open_files(root: Path, found: Stamps, read: Read, config: Any) -> Source:
    """Solids as a data set, uint8 [S, S, S] of 0 and 1.

    A mesh is scaled so that its longest side has S voxels, and stands in the middle of the floor; the last of its axes
    is upwards. It must be closed, as what is inside is filled, unless `hollow` leaves it as a surface. A .binvox grid,
    whose axes are x, z and y, is halved, as often as needed, by `reduced`.

    Args:
        root: where they lie.
        found: the files.
        read: gives the bytes of one.
        config: the config's `data`: `resolution`, S; `hollow`; `label`; `skip_broken`.

    Returns:
        A source that is decoded at its first opening and comes from the cache ever after.

    Raises:
        UserError: there is a broken, an empty or an open one, or a package is missing.
    """
    names, where = sorted(found), PurePosixPath(root.as_posix())
    labels, classes = labels_of(names, where, read, config.label)
    side, hollow, skip = config.resolution, config.hollow, config.skip_broken
    if not side:
        raise UserError("--config.data.resolution: say how many voxels the sides of solids shall have, such as 32")
    key = "solids", str(root), [(name, found[name]) for name in names], side, hollow, skip
    voxels, kept = cached(key, len(names), lambda: _decoded(root, names, read, side, hollow, skip), CALLED)
    folders.tell_skipped(root, len(names) - len(voxels), len(names), CALLED)
    return make_source("voxels", voxels, labels[kept], classes)


def _decoded(root: Path, names: list[str], read: Read, side: int, hollow: bool, skip: bool) -> Iterator:
    """Solids, some at a time, and their places in `names`."""
    decode = lambda name: decode_bytes(name, read(name), side, hollow)
    for chunk in folders.decoded(root, names, decode, skip, CALLED):
        if chunk:
            places, solids = zip(*chunk, strict=True)
            yield np.stack(solids), list(places)


def decode_bytes(name: str, content: bytes, side: int, hollow: bool = False) -> np.ndarray:
    """uint8 [side, side, side] of a file, whose extension says what it is; see `open_files`.

    Raises:
        UserError: it is empty, or open, or has other sides; or it needs a package that is missing.
        Exception: it cannot be decoded; decoders raise nearly anything.
    """
    kind = PurePosixPath(name).suffix.lower()[1:]
    voxels = reduced(read_binvox(content), side) if kind == "binvox" else _of_mesh(kind, content, side, hollow)
    if not voxels.any():
        raise UserError("it is empty")
    return voxels


def _of_mesh(kind: str, content: bytes, side: int, hollow: bool) -> np.ndarray:
    try:
        import trimesh
    except ImportError:
        raise UserError("meshes need another package: pip install 'gan_jax[solids]'") from None
    mesh = trimesh.load(io.BytesIO(content), file_type=kind, force="mesh")
    if not len(mesh.faces):
        raise UserError("it has no triangles")
    if not hollow and not mesh.is_watertight:
        raise UserError(
            "that mesh is not closed, so it has no inside: repair it, or take surfaces alone by "
            "--config.data.hollow=true, or leave it out by --config.data.skip_broken=true"
        )
    grid = mesh.voxelized(mesh.extents.max() / max(side - 1, 1))
    filled = np.asarray((grid if hollow else grid.fill()).matrix, np.uint8)[:side, :side, :side]
    voxels = np.zeros((side,) * 3, np.uint8)
    x, y = ((side - own) // 2 for own in filled.shape[:2])
    voxels[x : x + filled.shape[0], y : y + filled.shape[1], : filled.shape[2]] = filled
    return voxels


def read_binvox(content: bytes) -> np.ndarray:
    """uint8 [D, D, D] of 0 and 1, axes x, y and z, of a .binvox file (Patrick Min, www.patrickmin.com/binvox).

    Raises:
        UserError: it is none.
    """
    header, found, body = content.partition(b"data\n")
    lines = [line.split() for line in header.decode("ascii", "replace").splitlines()]
    sides = next(([int(side) for side in line[1:]] for line in lines if line[:1] == ["dim"]), [])
    pairs = np.frombuffer(body[: len(body) // 2 * 2], np.uint8).reshape(-1, 2)
    voxels = np.repeat(pairs[:, 0], pairs[:, 1])
    if not found or lines[:1] != [["#binvox", "1"]] or len(sides) != 3 or voxels.size != np.prod(sides):
        raise UserError("it is no .binvox file")
    return (voxels.reshape(sides).transpose(0, 2, 1) > 0).astype(np.uint8)


def reduced(voxels: np.ndarray, side: int) -> np.ndarray:
    """[..., D, D, D] with D / side voxels of each direction as one, which is full if one of them is: [..., side, ...].

    Raises:
        UserError: D is not a multiple of it, or its sides differ.
    """
    *leading, depth, height, width = voxels.shape
    if not depth == height == width or depth % side:
        sides = f"{depth}x{height}x{width}"
        raise UserError(f"its sides are {sides} voxels, no multiple of --config.data.resolution={side}")
    factor = depth // side
    return voxels.reshape(*leading, side, factor, side, factor, side, factor).max(axis=(-5, -3, -1))
