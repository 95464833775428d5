"""Solids to look at and to print: shaded pictures of voxels, and their surface as a mesh."""

import functools
import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

SIDE = 96  # pixels of a picture
STEP = 0.5  # voxels from one place on a ray to the next
LIGHT = np.array([0.35, -0.55, 0.75])  # where it comes from
COLOR, BACKGROUND = np.array([132, 178, 240]), 255  # of a surface that faces the light
TURN, TILT = math.radians(35), math.radians(30)  # of the eye, around the vertical axis, and above the ground


def render(voxels: np.ndarray) -> np.ndarray:
    """Pictures of solids, from above in parallel projection, the last axis upwards: uint8 [n, 96, 96, 3].

    A ray from each pixel stops in the first voxel that is occupied, and is the brighter the more the surface faces the
    light there; its normal is the slope of the blurred solid. What lies further back is a little darker.

    Args:
        voxels: [n, X, Y, Z], of 0 and 1.
    """
    return np.stack([np.asarray(_painter(voxels.shape[1:])(solid)) for solid in voxels])


@functools.cache
def _painter(shape: tuple[int, int, int]) -> Callable[[np.ndarray], jax.Array]:
    """Of solids of that shape: `solid -> picture`, compiled."""
    right = np.array([-math.sin(TURN), math.cos(TURN), 0])
    ahead = -np.array([math.cos(TURN) * math.cos(TILT), math.sin(TURN) * math.cos(TILT), math.sin(TILT)])
    up = np.cross(right, ahead)
    half = np.array(shape) / 2
    reach = max(np.abs(right) @ half, np.abs(up) @ half)  # of the shadow of the whole box
    across, depths = np.linspace(-reach, reach, SIDE), np.arange(-np.linalg.norm(half), np.linalg.norm(half), STEP)
    center = half - 0.5
    start = center + across[None, :, None] * right - across[:, None, None] * up  # [SIDE, SIDE, 3], the top row first
    rays = start[:, :, None] + depths[:, None] * ahead
    return jax.jit(partial(_paint, rays=np.rint(rays).astype(np.int32)))


def _paint(solid: jax.Array, rays: np.ndarray) -> jax.Array:
    sides = np.array(solid.shape)
    inside = np.all((rays >= 0) & (rays < sides), axis=-1)
    x, y, z = np.moveaxis(np.clip(rays, 0, sides - 1), -1, 0)
    full = (solid[x, y, z] > 0) & inside  # [SIDE, SIDE, S]
    first = jnp.argmax(full, axis=-1)
    hit = jnp.any(full, axis=-1)
    place = [jnp.take_along_axis(axis, first[..., None], axis=-1)[..., 0] for axis in (x, y, z)]
    blurred = solid.astype(jnp.float32)
    for axis in range(3):
        for _ in range(2):
            wide = jnp.pad(blurred, [(1, 1) if n == axis else (0, 0) for n in range(3)])
            parts = (jax.lax.slice_in_dim(wide, n, n + solid.shape[axis], axis=axis) for n in range(3))
            blurred = sum(weight * part for weight, part in zip((0.25, 0.5, 0.25), parts, strict=True))
    normal = -jnp.stack([slope[tuple(place)] for slope in jnp.gradient(blurred)], axis=-1)
    normal /= jnp.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6
    facing = jnp.maximum(normal @ (LIGHT / np.linalg.norm(LIGHT)), 0)
    shade = (0.4 + 0.65 * facing) * (1.05 - 0.3 * first / rays.shape[2])
    colored = jnp.clip(shade[..., None] * COLOR, 0, 255)
    return jnp.where(hit[..., None], colored, BACKGROUND).astype(jnp.uint8)


def mesh(solid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The surface of a solid: (corners float32 [V, 3], in voxels, triangles int [F, 3] of them,
    counterclockwise as seen from outside).

    It is closed, and smooth over half a voxel (marching cubes). Of an empty solid there is nothing.

    Raises:
        ImportError: scikit-image is missing.

    Reference: Lewiner et al. 2003; Lorensen and Cline 1987.
    """
    from skimage.measure import marching_cubes

    if not solid.any():
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64)
    corners, triangles, _, _ = marching_cubes(np.pad(solid, 1).astype(np.float32), 0.5, gradient_direction="ascent")
    return corners.astype(np.float32) - 1, triangles.astype(np.int64)
