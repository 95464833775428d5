"""Solids: uint8 [X, Y, Z] of 0 and 1, the last axis upwards; to networks [X, Y, Z, 1], -1 outside and 1 inside.

People see them rendered, and take them away as meshes.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from gan_jax import __version__, images, solids
from gan_jax.errors import UserError
from gan_jax.files import MARK, numbered, replacing, replacing_folder, save_arrays
from gan_jax.modalities import Field, Modality
from gan_jax.modalities.image import class_columns

NUM_WATCHED, NUM_SHOWN = 64, 32
APART = 1.25  # sides of a solid from one to the next, of many in one file


def to_model(stored, field: Field):
    """0 and 1 -> -1.0 and 1.0, [..., X, Y, Z, 1]; floats as they are."""
    if jnp.issubdtype(stored.dtype, jnp.floating):
        return stored
    return 2 * stored[..., None].astype(jnp.float32) - 1


def from_model(arrays, field: Field) -> np.ndarray:
    """1 where a number is above 0, else 0."""
    return (np.asarray(arrays)[..., 0] > 0).astype(np.uint8)


def thumbnails(stored: np.ndarray, field: Field) -> np.ndarray:
    """Shaded renderings: uint8 [n, 96, 96, 3]."""
    return solids.render(stored)


def sheet(stored: np.ndarray, field: Field, *, labels=None, real=None, critic=None, title: str = "") -> np.ndarray:
    """A grid of them, one column a class if the labels are those of up to 16 classes in turn."""
    return images.grid(thumbnails(stored, field), class_columns(labels))


def watched(field: Field) -> int:
    """64."""
    return NUM_WATCHED


def write(stored: np.ndarray, path: Path, field: Field, labels: np.ndarray | None = None) -> None:
    """An .npz file of "voxels" and "labels"; an .obj or .stl mesh of all, side by side; a folder of .obj meshes; or a
    picture, a `sheet`.

    Meshes in a folder are named as `gan_jax.files.numbered` does. Their unit is a voxel.

    Raises:
        UserError: meshes need a package that is missing.
    """
    match path.suffix.lower():
        case ".npz":
            save_arrays(path, voxels=stored, labels=labels)
        case ".obj" | ".stl" as suffix:
            parts, step = [_mesh(solid, path) for solid in stored], APART * field.shape[0]
            corners = np.concatenate([own + np.float32([number * step, 0, 0]) for number, (own, _) in enumerate(parts)])
            begins = np.cumsum([0, *(len(own) for own, _ in parts)])
            triangles = np.concatenate([own + begin for begin, (_, own) in zip(begins, parts, strict=False)])
            write_obj(path, corners, triangles) if suffix == ".obj" else write_stl(path, corners, triangles)
        case "":
            with replacing_folder(path) as folder:
                for name, solid in zip(numbered(len(stored), ".obj", labels), stored, strict=True):
                    write_obj(folder / name, *_mesh(solid, path))
        case _:
            images.save(sheet(stored, field, labels=labels), path, mark=True)


def _mesh(solid: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        return solids.mesh(solid)
    except ImportError:
        raise UserError(f"--out={path}: meshes need another package: pip install 'gan_jax[solids]'") from None


def write_obj(path: Path, corners: np.ndarray, triangles: np.ndarray) -> None:
    """A Wavefront .obj file of corners [V, 3] and triangles int [F, 3]."""
    lines = [f"# {MARK} {__version__}", *(f"v {x:g} {y:g} {z:g}" for x, y, z in corners)]
    lines += [f"f {a} {b} {c}" for a, b, c in triangles + 1]
    with replacing(path) as file:
        file.write(("\n".join(lines) + "\n").encode())


def write_stl(path: Path, corners: np.ndarray, triangles: np.ndarray) -> None:
    """A binary .stl file of corners [V, 3] and triangles int [F, 3]."""
    faces = np.zeros(len(triangles), [("normal", "<3f4"), ("corners", "<(3,3)f4"), ("spare", "<u2")])
    faces["corners"] = corners[triangles]
    first, second, third = np.moveaxis(faces["corners"], 1, 0)
    normal = np.cross(second - first, third - first)
    faces["normal"] = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    with replacing(path) as file:
        file.write(f"{MARK} {__version__}".encode().ljust(80) + np.uint32(len(faces)).tobytes() + faces.tobytes())


MODALITY = Modality(
    name="voxels",
    to_model=to_model,
    from_model=from_model,
    to_classifier=to_model,
    thumbnails=thumbnails,
    sheet=sheet,
    watched=watched,
    shown=NUM_SHOWN,
    suffixes=(".png", ".jpg", ".jpeg", ".webp", ".npz", "", ".obj", ".stl"),
    write=write,
    features="pixels",
    metrics=("fid", "kid", "shapes"),
)
