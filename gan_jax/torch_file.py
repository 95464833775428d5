"""Reads what `torch.save` writes of a module's parameters, without torch and without running what is in the file."""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from gan_jax.errors import UserError

MAGIC = 0x1950A86A20F9469CFC6C  # begins a file of the format before torch 1.6


class _Storage(NamedTuple):
    """A block of numbers, of which tensors are views."""

    dtype: np.dtype
    key: str


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides count elements."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


STORAGES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "CharStorage": "|i1",
    "ShortStorage": "<i2",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, size, stride, *_: _Tensor(
        storage, offset, size, stride
    ),
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    **{("torch", name): np.dtype(code) for name, code in STORAGES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Knows tensors and dicts of them, and rejects all else: an ordinary unpickler runs any code that a file names."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str):
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return ALLOWED[module, name]

    def persistent_load(self, persistent_id) -> _Storage:
        _, dtype, key, *_ = persistent_id
        return self.storages.setdefault(key, _Storage(dtype, key))


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state dict: floats of 16, 32 or 64 bits, integers or booleans, on whatever device they were.

    Args:
        path: of a file that `torch.save(module.state_dict(), path)` has written, in the zip format of torch 1.6 or in
            the one before.

    Returns:
        Every tensor by its name, as a contiguous array of the same shape and type.

    Raises:
        UserError: there is no such file, it is damaged, or there is something else in it.
    """
    try:
        with path.open("rb") as file:
            tensors, contents = (_read_zip if zipfile.is_zipfile(file) else _read_legacy)(file)
        if not isinstance(tensors, dict) or not all(isinstance(tensor, _Tensor) for tensor in tensors.values()):
            raise ValueError("it is not a dict of tensors alone")
        return {name: _to_array(tensor, contents[tensor.storage.key]) for name, tensor in tensors.items()}
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except Exception as error:  # a damaged pickle may raise any
        reason = " ".join(str(error).split()) or type(error).__name__
        wanted = "a file that torch.save(module.state_dict(), path) wrote"
        raise UserError(f"cannot read {path} as a PyTorch state dict ({reason}): give {wanted}") from error


def _read_zip(file: BinaryIO) -> tuple[object, dict[str, bytes]]:
    """The pickled object, and the bytes of every storage: folder/data.pkl and folder/data/KEY in the archive."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        folder = next((name[: -len("data.pkl")] for name in names if name.endswith("/data.pkl")), None)
        if folder is None:
            raise ValueError("the zip file has no data.pkl")
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")
        with archive.open(f"{folder}data.pkl") as pickled:
            unpickler = _Unpickler(pickled)
            tensors = unpickler.load()
        return tensors, {key: archive.read(f"{folder}data/{key}") for key in unpickler.storages}


def _read_legacy(file: BinaryIO) -> tuple[object, dict[str, bytes]]:
    """The same of a file with five pickles (the object is the fourth) and then the storages, each after its length."""
    file.seek(0)
    if _Unpickler(file).load() != MAGIC:
        raise ValueError("it does not begin as one")
    _Unpickler(file).load()  # the version of the format, which has not changed
    if not _Unpickler(file).load()["little_endian"]:
        raise ValueError("its numbers are big-endian")
    unpickler = _Unpickler(file)
    tensors, contents = unpickler.load(), {}
    for key in _Unpickler(file).load():
        length = int.from_bytes(file.read(8), "little") * unpickler.storages[key].dtype.itemsize
        contents[key] = file.read(length)
    return tensors, contents


def _to_array(tensor: _Tensor, content: bytes) -> np.ndarray:
    dtype = tensor.storage.dtype
    strides = [step * dtype.itemsize for step in tensor.stride]
    # NumPy itself checks that the view stays inside the bytes, of which a truncated file has too few.
    return np.ndarray(tensor.size, dtype, content, tensor.offset * dtype.itemsize, strides).copy()
