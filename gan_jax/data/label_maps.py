"""Label maps: pictures whose colors are classes, as people draw and keep them."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gan_jax.data import pictures
from gan_jax.errors import UserError
from gan_jax.keys import closest
from gan_jax.modalities import Field, Fields

if TYPE_CHECKING:
    from PIL import Image

PACKAGED = Path(__file__).parent / "palettes"
FOUND = "found"  # the palette of this name is that of the pictures
VOID = "void"  # the class of this name is none: it is not measured
FARTHEST = 48  # levels, as Euclidean distance, that a color may be from that of its class
NEAR = 5  # pixels, the side of a square around a blurred pixel in which its class must be
MOST_UNKNOWN = 0.01  # the share of a picture that areas of other colors may be
LEAST_CERTAIN = 0.5  # the share of label maps, beside other pictures, that has the palette's colors
RARE = 5e-4  # the share of pixels below which a color is no class
FLAT = 6  # levels that pixels side by side within an area of a JPEG file may differ by
MOST_FOUND, MOST = 64, 256  # classes
SAMPLED = 16  # pictures that say which half is a label map, and what its colors are


class Palette(NamedTuple):
    """Classes and their colors: K names, uint8 [K, 3]."""

    names: tuple[str, ...]
    colors: np.ndarray

    @property
    def fitted(self) -> dict[str, Any]:
        """What a field of label maps in these colors knows of them."""
        return {"palette": self.colors.tolist()}


def of_field(field: Field) -> Palette:
    """The palette of a field of label maps."""
    return Palette(field.names, np.array(field.fitted["palette"], np.uint8))


def read(name: str) -> Palette:
    """A palette that comes with the library, by its name, or from a .json file, or such text itself: {class: color}.

    A color is "#rrggbb", [red, green, blue], or the number of the class where that is the pixel.

    Raises:
        UserError: there is no such palette, or it is none.
    """
    packaged = {path.stem: path for path in sorted(PACKAGED.glob("*.json"))}
    inline = name.startswith("{")
    if name not in packaged and not name.endswith(".json") and not inline:
        own = closest(name, [*packaged, FOUND])
        raise UserError(f"--config.data.palette={name}: must be FILE.json or one of these: {own}")
    try:
        text = name if inline else (packaged[name] if name in packaged else Path(name).expanduser()).read_text()
        stored = json.loads(text)
        colors = np.array([_color(color) for color in stored.values()])
    except OSError as error:
        raise UserError(f"--config.data.palette={name} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, AttributeError):
        form = 'must hold {"name": "#rrggbb", ...}, or [red, green, blue] or a number for a color'
        raise UserError(f"--config.data.palette={name} {form}") from None
    if not 2 <= len(colors) <= MOST or len(np.unique(colors, axis=0)) < len(colors):
        raise UserError(f"--config.data.palette={name}: must have from 2 to {MOST} classes, each of its own color")
    return Palette(tuple(stored), colors.astype(np.uint8))


def settle(config: Any, fields: Fields) -> None:
    """Sets `palette` of a config's `data`, if it is to be found, to that of fields which have been read."""
    maps = [field for field in fields.values() if field.modality.name == "segmentation"]
    if config.palette == FOUND and maps:
        config.palette = json.dumps(dict(zip(maps[0].names, maps[0].fitted["palette"], strict=True)))


def _color(color: Any) -> list[int]:
    if isinstance(color, str):
        color = list(bytes.fromhex(color.removeprefix("#")))
    levels = color if isinstance(color, list) else [color] * 3
    if len(levels) != 3 or not all(isinstance(level, int) and 0 <= level < 256 for level in levels):
        raise ValueError(color)
    return levels


def find(examples: list[np.ndarray]) -> Palette:
    """The palette of label maps, uint8 [H, W, 3] each: its colors from the most to the least frequent, named by them.

    They are all that there are, if those are few, else those of areas, as a JPEG file has more at the borders.

    Raises:
        UserError: there are fewer than two, or too many.
    """
    colors, counts = _count(np.concatenate([each.reshape(-1, 3) for each in examples]))
    if len(colors) > MOST_FOUND:
        pixels = np.concatenate([each[_flat(each)] for each in examples])
        (exact, _), (coarse, counts), colors = _count(pixels), _count(pixels // 8), []
        for each in coarse[counts > RARE * counts.sum()]:
            color = exact[(exact // 8 == each).all(axis=-1)][0]  # the most frequent of them
            if all(np.linalg.norm(color - other) > FARTHEST for other in colors):
                colors.append(color)
    if not 2 <= len(colors) <= MOST_FOUND:
        raise UserError(
            f"--config.data.palette={FOUND}: these pictures have {len(colors)} colors, label maps have from 2 to "
            f"{MOST_FOUND}: write them down as {{name: color}} in FILE.json"
        )
    colors = np.array(colors, np.uint8)
    return Palette(tuple("#" + bytes(color).hex() for color in colors), colors)


def _count(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ones of colors [n, 3], the most frequent first, and how often each is there."""
    packed, counts = np.unique(_packed(colors), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1)[order], counts[order]


def _packed(colors: np.ndarray) -> np.ndarray:
    return colors[..., 0].astype(np.int32) << 16 | colors[..., 1].astype(np.int32) << 8 | colors[..., 2]


def _flat(picture: np.ndarray) -> np.ndarray:
    """Whether each pixel is as those around it: bool [H, W]."""
    from scipy.ndimage import maximum_filter, minimum_filter

    around = (3, 3, 1)
    return (maximum_filter(picture, around) - minimum_filter(picture, around) <= FLAT).all(axis=-1)


def classes_of(picture: np.ndarray, palette: Palette) -> tuple[np.ndarray, np.ndarray]:
    """The classes uint8 [H, W] of a picture, uint8 [H, W, 3], and where areas have the color of none, bool [H, W].

    A pixel that has nearly a class's color is of it. Any other, such as those that JPEG blurs at borders, is of the
    class of nearest color among those that are so within two pixels; if there are none, of the nearest of all.
    """
    from scipy.ndimage import maximum_filter

    distance, certain = _distances(picture, palette)
    nearest = distance.argmin(axis=-1)
    if certain.all():
        return nearest.astype(np.uint8), ~certain
    each = range(len(palette.colors))
    near = np.stack([maximum_filter(certain & (nearest == number), NEAR) for number in each], axis=-1)
    among = np.where(near, distance, np.inf)
    classes = np.where(np.isinf(among).all(axis=-1), nearest, among.argmin(axis=-1))
    return classes.astype(np.uint8), ~certain & _flat(picture)


def _distances(picture: np.ndarray, palette: Palette) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances [H, W, K] of pixels from the colors, and whether each certainly has one, bool [H, W]."""
    colors, pixels = palette.colors.astype(np.float32), picture.astype(np.float32)
    between = np.linalg.norm(colors[:, None] - colors, axis=-1) + np.diag([np.inf] * len(colors))
    distance = np.sum(pixels**2, axis=-1, keepdims=True) - 2 * pixels @ colors.T + np.sum(colors**2, axis=-1)
    return distance, distance.min(axis=-1) < min(FARTHEST, between.min() / 2) ** 2


def certain_classes_of(picture: np.ndarray, palette: Palette) -> tuple[np.ndarray, float]:
    """`classes_of` a label map, and the share of it that has other colors, which is small.

    Raises:
        UserError: it is not.
    """
    classes, unknown = classes_of(picture, palette)
    if (share := float(unknown.mean())) > MOST_UNKNOWN:
        colors, _ = _count(picture[unknown])
        known = ", ".join(palette.names)
        raise UserError(
            f"{share:.0%} of it has colors of no class, such as #{bytes(colors[0].tolist()).hex()}: {known}"
        )
    return classes, share


def fitted(classes: np.ndarray, size: tuple[int, int] | None, fit: str, fill: int = 0) -> np.ndarray:
    """Classes uint8 [H, W] of another size, each pixel that of the nearest; see `pictures.fitted`."""
    from PIL import Image

    return np.asarray(pictures.fitted(Image.fromarray(classes), size, fit, Image.Resampling.NEAREST, fill))


class LabelMaps(NamedTuple):
    """How label maps are read from pictures.

    Attributes:
        palette: their colors.
        half: the one that is a label map, of pictures that are two side by side, 0 or 1; None: they are no such.
        unknown: the share of other colors in each that was read so far.
    """

    palette: Palette
    half: int | None
    unknown: list[float]

    def fitted(self, image: "Image.Image", size: tuple[int, int] | None, fit: str) -> "Image.Image":
        """A picture of a size, see `pictures.fitted`, with all colors of its label map those of the palette.

        Raises:
            UserError: it is none.
        """
        if self.half is None:
            return self._map(image, size, fit)
        each = [pictures.fitted, pictures.fitted]
        each[self.half] = self._map
        return pictures.fitted_halves(image.convert("RGB"), size, fit, each)

    def _map(self, image: "Image.Image", size: tuple[int, int] | None, fit: str) -> "Image.Image":
        from PIL import Image

        classes, unknown = certain_classes_of(np.asarray(image.convert("RGB")), self.palette)
        self.unknown.append(unknown)
        names = self.palette.names
        classes = fitted(classes, size, fit, names.index(VOID) if VOID in names else 0)
        return Image.fromarray(self.palette.colors[classes])


def look_for(palette: str, halves: bool, examples: list["Image.Image"]) -> LabelMaps:
    """What label maps some pictures are, or hold in one half.

    Args:
        palette: see `read`, or FOUND.
        halves: whether each is two, of which one is a label map: that which has more of its colors; if the palette is
            to be found, that which has more areas of one color.
        examples: of the pictures.

    Raises:
        UserError: there is no such palette, or neither half has its colors.
    """
    if not halves:
        whole = [np.asarray(image.convert("RGB")) for image in examples]
        return LabelMaps(find(whole) if palette == FOUND else read(palette), None, [])
    parts = [
        [np.asarray(image.convert("RGB").crop(pictures.halves(image)[half])) for image in examples] for half in (0, 1)
    ]
    if palette == FOUND:
        half = int(np.argmax([np.mean([_flat(part).mean() for part in each]) for each in parts]))
        return LabelMaps(find(parts[half]), half, [])
    colors = read(palette)
    certain = [np.mean([_distances(part, colors)[1].mean() for part in each]) for each in parts]
    if max(certain) < LEAST_CERTAIN:
        share = " and ".join(f"{each:.0%}" for each in certain)
        raise UserError(f"--config.data.palette={palette}: only {share} of the halves of the pictures have its colors")
    return LabelMaps(colors, int(np.argmax(certain)), [])


@dataclasses.dataclass(frozen=True)
class Classes:
    """The classes, uint8 [N, H, W], of pictures [N, H, W, 3] in no other colors than those of a palette."""

    images: Any
    palette: Palette

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.images.shape[:3])

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        packed = _packed(self.palette.colors)
        order = np.argsort(packed)
        return order[np.searchsorted(packed[order], _packed(np.asarray(self.images[rows])))].astype(np.uint8)
