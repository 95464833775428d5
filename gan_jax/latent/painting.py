"""Painting with units: concepts drawn into a picture, or removed from it, at places.

Reference: Bau et al. 2019 (GAN Dissection), section 4.4; the authors' demo, GAN Paint, merges strokes as here.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_jax.errors import UserError
from gan_jax.keys import closest
from gan_jax.latent.model import Latents, Model
from gan_jax.latent.units import Edit, layers_of, make_editor

STRONGEST = 10  # times the value
KEYS = ("concept", "layer", "units", "value", "do", "rectangle", "mask", "strength")


class Stroke(NamedTuple):
    """Units set to a value at some places.

    Attributes:
        layer: of the units.
        units: int [u].
        value: float [u], what they are set to.
        mask: float [H, W] in [0, 1], how much of that at each pixel.
    """

    layer: str
    units: np.ndarray
    value: np.ndarray
    mask: np.ndarray


def merged(layers: dict[str, tuple[int, int, int]], strokes: Sequence[Stroke]) -> dict[str, Edit]:
    """One edit of [h, w, C] for each layer: strokes one over the other, as layers of paint are.

    A cell of the layer is painted as much as the pixel in it that is painted most.
    """
    edits = {name: Edit(np.zeros(shape, np.float32), np.zeros(shape, np.float32)) for name, shape in layers.items()}
    for stroke in strokes:
        under, shape = edits[stroke.layer], layers[stroke.layer]
        alpha, value = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        alpha[..., stroke.units] = pooled(stroke.mask, shape[:2])[..., None]
        value[..., stroke.units] = stroke.value
        both = 1 - (1 - under.alpha) * (1 - alpha)
        mixed = alpha * value + (1 - alpha) * under.alpha * under.value
        edits[stroke.layer] = Edit(both, mixed / np.where(both > 0, both, 1))
    return edits


def pooled(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The largest value of a mask [H, W] in each cell of a grid of size (h, w), float32."""
    edges = [
        (np.arange(n) * side // n, -(-(np.arange(n) + 1) * side // n)) for n, side in zip(size, mask.shape, strict=True)
    ]
    rows = np.stack([mask[a:b].max(axis=0) for a, b in zip(*edges[0], strict=True)])
    return np.stack([rows[:, a:b].max(axis=1) for a, b in zip(*edges[1], strict=True)], axis=1).astype(np.float32)


def make_painter(model: Model, space: str, seed: int = 0) -> Callable[[Latents, Sequence[Stroke]], np.ndarray]:
    """`(latents, strokes) -> pictures [n, ...], as stored`: one compilation, whatever the strokes.

    Without strokes the pictures are what the latents decode to.
    """
    layers = layers_of(model)
    edited = make_editor(model, space, layers, seed)
    return lambda latents, strokes: edited(latents, merged(layers, strokes))


def read_strokes(path: Path, model: Model, dissection: Path | None) -> list[Stroke]:
    """Strokes of a JSON file, a list of objects, in the order in which they are painted.

    "concept": of a dissection, or "layer", "units" (a list) and "value"; "do": "draw" (by default) or "remove", which
    is a value of 0; "rectangle": [left, top, right, bottom] in pixels, or "mask": a picture as large as the model's,
    white where it is painted; "strength": below 1 as thin paint, above it times the value, by default 1; with a
    concept, "units" says how many.

    Args:
        path: of the file; masks are named from its folder.
        model: whose pictures are painted on.
        dissection: the folder of `--mode=dissect`; None: strokes have no concepts.

    Raises:
        UserError: see its message.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"--strokes={path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise UserError(f"--strokes={path} is no JSON: {error}") from None
    if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
        raise UserError(
            f'--strokes={path}: must be a list of strokes, such as [{{"concept": "door", "rectangle": ...}}]'
        )
    report = None
    strokes = []
    for number, own in enumerate(content):
        try:
            if unknown := [key for key in own if key not in KEYS]:
                raise UserError(f"there is no {unknown[0]}; {closest(unknown[0], KEYS)}")
            if "concept" in own and report is None:
                report = read_report(dissection, model)
            strokes.append(_stroke(own, model, report, path.parent))
        except UserError as error:
            raise UserError(f"--strokes={path}: stroke {number}: {error}") from None
    return strokes


def read_report(folder: Path | None, model: Model) -> dict[str, Any]:
    """The report of a dissection of this model.

    Raises:
        UserError: there is none in the folder, or it is of another model.
    """
    if folder is None:
        raise UserError("a concept needs --dissection=FOLDER, of --mode=dissect")
    try:
        report = json.loads((folder / "report.json").read_text())
        generator, _ = report["run"]["generator"], report["effects"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"there is no report of --mode=dissect in {folder}: give its --out as --dissection") from None
    if generator != model.fingerprint:
        raise UserError(f"{folder} is the dissection of another run, or of another checkpoint or average of this one")
    return report


def _stroke(own: dict, model: Model, report: dict | None, folder: Path) -> Stroke:
    do, strength = own.get("do", "draw"), own.get("strength", 1.0)
    if do not in ("draw", "remove"):
        raise UserError(f'"do" is {do!r}: must be "draw" or "remove"')
    most = STRONGEST if do == "draw" else 1
    if not isinstance(strength, int | float) or not 0 < strength <= most:
        raise UserError(f'"strength" is {strength!r}: must be above 0 and at most {most} to {do}')
    layer, units, value = _units(own, report, drawn=do == "draw")
    layers = layers_of(model)
    if layer not in layers:
        raise UserError(f"no feature map of this generator has the name {layer!r}; {closest(layer, layers)}")
    if not len(units) or units.min() < 0 or units.max() >= layers[layer][-1]:
        raise UserError(f'"units" of {layer} must be numbers from 0 to {layers[layer][-1] - 1}')
    mask = _mask(own, model.makes.shape[:2], folder)
    value = np.zeros(len(units)) if do == "remove" else max(strength, 1) * value
    return Stroke(layer, units, value, min(strength, 1) * mask)


def _units(own: dict, report: dict | None, drawn: bool) -> tuple[str, np.ndarray, np.ndarray]:
    """The layer, the units and what they are set to where they are drawn."""
    if "concept" in own:
        effects, name = report["effects"], own["concept"]
        if name not in effects:
            known = f"it found {', '.join(effects)}" if effects else "it found none"
            raise UserError(f"the dissection knows no units of {name!r}: {known}")
        units = np.array(effects[name]["units"][effects[name]["best"]])
        if drawn and "value" not in effects[name]:
            raise UserError(f"{name!r} can be removed only: the dissection does not know where it is")
        if "units" in own:
            if not isinstance(own["units"], int) or not 0 < own["units"] <= len(units):
                raise UserError(f'"units" of a concept is how many: from 1 to {len(units)}')
            units = units[: own["units"]]
        return report["layer"], units, np.array(effects[name].get("value", np.zeros(units.max() + 1)))[units]
    try:
        units = np.array(own["units"], int).reshape(-1)
        value = np.broadcast_to(np.array(own["value"] if drawn else 0.0, float), units.shape)
        return str(own["layer"]), units, value
    except KeyError as error:
        raise UserError(f'it has no {error}: give "concept", or "layer", "units" and "value"') from None
    except (TypeError, ValueError):
        raise UserError('"units" must be a list of numbers, and "value" one number, or one for each') from None


def _mask(own: dict, size: tuple[int, int], folder: Path) -> np.ndarray:
    """Where it is painted, float [H, W]."""
    height, width = size
    if ("mask" in own) == ("rectangle" in own):
        raise UserError('it needs "rectangle": [left, top, right, bottom], or "mask": a picture')
    if "mask" in own:
        from PIL import Image

        try:
            with Image.open(folder / str(own["mask"])) as file:
                mask = np.asarray(file.convert("L"), np.float32) / 255
        except OSError:
            raise UserError(f"{folder / str(own['mask'])} is no picture that can be read") from None
        if mask.shape != size:
            raise UserError(f"the mask is {mask.shape[1]}x{mask.shape[0]}, the picture {width}x{height} pixels")
        return mask
    corners, mask = own["rectangle"], np.zeros(size, np.float32)
    numbers = isinstance(corners, list) and all(isinstance(each, int | float) for each in corners)
    if not numbers or len(corners) != 4:
        raise UserError('"rectangle" must be [left, top, right, bottom], in pixels')
    left, top, right, bottom = corners
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise UserError(f'"rectangle" is {corners}: must lie in the picture, [0, 0, {width}, {height}]')
    mask[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] = 1
    return mask
