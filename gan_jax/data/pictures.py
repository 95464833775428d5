"""One picture at a time: decoding it, making it plain gray or RGB, fitting it to a size."""

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_jax.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
COLORED = 32  # levels that channels of a gray picture, kept as JPEG in color, may differ by
GRAY_MODES = ("1", "L", "LA", "La", "I", "F")  # and I;16 with its kin


def parse_size(text: str | int) -> tuple[int, int] | None:
    """Reads the config's data.image_size.

    Args:
        text: "native", "64" (or the int) or "48x80", the height first.

    Returns:
        (H, W), or None for "native".

    Raises:
        UserError: it is none of these.
    """
    if text == "native":
        return None
    match = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", str(text))
    if not match:
        raise UserError(
            f"--config.data.image_size={text}: must be native, a size such as 64, or height x width such as 48x80"
        )
    height, width = match.groups()
    return int(height), int(width or height)


def decode(data: bytes) -> "Image.Image":
    """Decodes a file's first frame into what a person sees: upright, opaque (over white), 8 bits.

    Args:
        data: the bytes of a file in any format that Pillow reads.

    Returns:
        A picture of mode "L" if the file is gray by its kind, else "RGB".
    """
    from PIL import Image, ImageOps

    return plain(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))


def read(path: Path, half: int | None = None) -> "Image.Image":
    """Decodes a file, and of a picture that is two side by side the left half (0) or the right one (1).

    Raises:
        UserError: it cannot be decoded, or has no halves.
    """
    try:
        picture = decode(path.read_bytes())
    except Exception as error:  # a broken file makes Pillow raise nearly anything
        raise UserError(f"{path} cannot be read ({brief(error)})") from None
    try:
        return picture if half is None else picture.crop(halves(picture)[half])
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def is_gray(data: bytes) -> bool:
    """Whether `decode` will give mode "L", by the header alone."""
    from PIL import Image

    return _gray(Image.open(io.BytesIO(data)))


def has_colors(data: bytes) -> bool:
    """Whether a picture is more than gray, whatever its kind."""
    return bool(np.ptp(np.asarray(decode(data).convert("RGB")).astype(np.int16), axis=2).max() > COLORED)


def plain(image: "Image.Image") -> "Image.Image":
    """Composites a picture over white, where it is transparent, and converts it to mode "L" or "RGB"."""
    from PIL import Image

    mode = "L" if _gray(image) else "RGB"
    if image.mode.startswith("I"):
        # Pillow clips 16 bits to 8 rather than scaling them.
        values = np.asarray(image).astype(np.float32) / 257
        return Image.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def fitted(
    image: "Image.Image", size: tuple[int, int] | None, fit: str, resample: int | None = None, fill: Any = "white"
) -> "Image.Image":
    """Scales a picture, with antialiasing by default; one that has the size already keeps its very pixels.

    Args:
        image: of mode "L" or "RGB".
        size: (H, W), or None to leave the picture as it is.
        fit: "crop" scales it to cover the size and cuts off what juts out on both sides, "pad" scales it to lie within
            the size and fills the rest with white, as transparency is, and "stretch" changes its proportions.
        resample: one of Pillow's ways to; None: Lanczos.
        fill: what else to fill the rest with.

    Returns:
        A picture of the size.
    """
    from PIL import Image, ImageOps

    if size is None:
        return image
    resample = Image.Resampling.LANCZOS if resample is None else resample
    width_height = width, height = size[::-1]
    if fit == "stretch":
        return image.resize(width_height, resample)
    if fit == "crop":
        return ImageOps.fit(image, width_height, resample)
    # As ImageOps.pad, which loses a picture so thin that less than half a pixel is left of it, or fails at it.
    scale = min(width / image.width, height / image.height)
    inside = image.resize([max(1, round(length * scale)) for length in image.size], resample)
    padded = Image.new(image.mode, width_height, fill)
    padded.paste(inside, (round((width - inside.width) / 2), round((height - inside.height) / 2)))
    return padded


def halves(image: "Image.Image") -> list[tuple[int, int, int, int]]:
    """The places of the left and the right half of a picture, for `crop`.

    Raises:
        UserError: its width is odd.
    """
    width, height = image.size
    if width % 2:
        raise UserError(f"a picture that is {width} pixels wide has no two halves, as --config.data.pair wants them")
    return [(0, 0, width // 2, height), (width // 2, 0, width, height)]


def fitted_halves(
    image: "Image.Image", size: tuple[int, int] | None, fit: str, each: Sequence[Callable] = (fitted, fitted)
) -> "Image.Image":
    """Scales the `halves` of a picture one by one, by `each`, and puts them side by side again."""
    from PIL import Image

    left, right = (fit_to(image.crop(box), size, fit) for fit_to, box in zip(each, halves(image), strict=True))
    both = Image.new(image.mode, (2 * left.width, left.height))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    return both


def resize(images: np.ndarray, size: tuple[int, int] | None, fit: str) -> np.ndarray:
    """Fits arrays to a size, see `fitted`.

    Args:
        images: uint8 [N, H, W, C], C 1 or 3.
        size: (H', W'), or None to leave the images as they are.
        fit: "crop", "pad" or "stretch".

    Returns:
        uint8 [N, H', W', C].
    """
    from PIL import Image

    if size is None or images.shape[1:3] == size:
        return images
    # Pillow knows gray as [H, W].
    flat = images[..., 0] if images.shape[3] == 1 else images
    resized = np.stack([np.asarray(fitted(Image.fromarray(image), size, fit)) for image in flat])
    return resized.reshape(len(images), *size, images.shape[3])


def like(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Pictures as they are shown beside others: of their size, by bicubic interpolation, and in color if those are.

    Args:
        images: uint8 [N, h, w, c], c 1 or C.
        shape: (H, W, C).

    Returns:
        uint8 [N, H, W, C].
    """
    from PIL import Image

    if images.shape[1:3] != shape[:2]:
        flat = images[..., 0] if images.shape[3] == 1 else images
        bicubic = lambda image: np.asarray(Image.fromarray(image).resize(shape[1::-1], Image.Resampling.BICUBIC))
        images = np.stack([bicubic(image) for image in flat]).reshape(len(images), *shape[:2], images.shape[3])
    return np.broadcast_to(images, (len(images), *shape))


def brief(error: Exception) -> str:
    """Why a picture cannot be decoded, in one line."""
    from PIL import UnidentifiedImageError

    return "not a picture" if isinstance(error, UnidentifiedImageError) else str(error).split("\n")[0]


def _gray(image: "Image.Image") -> bool:
    return image.mode in GRAY_MODES or image.mode.startswith("I;16")
