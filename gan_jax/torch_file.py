"""Reads the parameters in files of PyTorch, without torch and without running what is in the file.

An ordinary unpickler runs any code that a file names. Those here know tensors and dicts of them; of pickled modules
they also take the attributes, and never the classes.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import jax
import numpy as np

from gan_jax.errors import UserError

MAGIC = 0x1950A86A20F9469CFC6C  # begins a file of the format before torch 1.6


@dataclass
class _Storage:
    """A block of numbers, of which tensors are views. The content is read after the pickle that names it."""

    dtype: np.dtype
    content: bytes = b""


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
PACKAGES = ("torch", "torch_utils", "dnnlib", "training", "R3GAN", "numpy")  # that pickled modules are made of
ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _Tensor,  # before torch 0.4
    ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, size, stride, *_: _Tensor(
        storage, offset, size, stride
    ),
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
    ("torch.storage", "_load_from_bytes"): lambda content: _read_legacy(io.BytesIO(content)),
    **{("torch", name): np.dtype(code) for name, code in STORAGES.items()},
}


class _Unpickler(pickle.Unpickler):
    """Knows tensors and dicts of them, and rejects all else."""

    def __init__(self, file: BinaryIO):
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return ALLOWED[module, name]

    def persistent_load(self, persistent_id) -> _Storage:
        _, dtype, key, _, _, *view = persistent_id
        if any(view):
            raise pickle.UnpicklingError("a storage in it is a part of another one")
        return self.storages.setdefault(key, _Storage(dtype))


class _Inert(dict):
    """What stands for anything that a pickle makes of a class or a function: what it was given, and nothing made of it.

    Attributes:
        given: the arguments.
        state: the object's attributes, or None.
    """

    def __new__(cls, *given):
        inert = super().__new__(cls)
        inert.given, inert.state = given, None
        return inert

    def __init__(self, *given):
        super().__init__()

    def __setstate__(self, state):
        self.state = state


class _ModuleUnpickler(_Unpickler):
    """Knows modules too: each class and function of the packages that those are made of is an `_Inert`."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ALLOWED or module.partition(".")[0] not in PACKAGES:
            return super().find_class(module, name)
        return type(name, (_Inert,), {})


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

    def read(file):
        tensors = (_read_zip if zipfile.is_zipfile(file) else _read_legacy)(file)
        if not isinstance(tensors, dict) or not all(isinstance(tensor, _Tensor) for tensor in tensors.values()):
            raise ValueError("it is not a dict of tensors alone")
        return _to_arrays(tensors)

    return _or_user_error(path, read, "a PyTorch state dict", "torch.save(module.state_dict(), path)")


def converted(path: Path, make: Callable[[], dict], expected: Any, kind: str, give: str) -> dict:
    """Parameters that `make` makes of a state dict, as contiguous float32 arrays of the shapes of `expected`.

    Args:
        path: of the state dict, for messages.
        make: raises KeyError or ValueError if the state dict is of another network.
        expected: a tree of what has shapes.
        kind: of file that is wanted, and `give`, which one that is, for messages.

    Raises:
        UserError: the state dict is of another network.
    """
    try:
        params = make()
        shapes, expected_shapes = (jax.tree.map(lambda leaf: leaf.shape, tree) for tree in (params, expected))
        if shapes != expected_shapes:
            raise ValueError("a layer has another shape")
    except (KeyError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise UserError(f"{path} is not {kind} ({reason}): give {give}") from None
    return jax.tree.map(lambda leaf: np.ascontiguousarray(leaf, np.float32), params)


def read_modules(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """The state dicts of the modules in a pickled dict, {name: module, ...}, as the code of StyleGAN 2 and 3 writes it.

    Such a pickle names classes and, where they are "persistent", holds their source code. None of it is run.

    Args:
        path: of a file that `pickle.dump` has written.

    Returns:
        {name: tensors as of `read_state_dict`}, of modules alone.

    Raises:
        UserError: there is no such file, it is damaged, there are no modules in it, or it asks for something that
            modules are not made of.
    """

    def read(file):
        content = _ModuleUnpickler(file).load()
        modules = {name: _of_module(own) for name, own in content.items()} if type(content) is dict else {}
        if not any(modules.values()):
            raise ValueError("there are no modules in it")
        return {name: _to_arrays(tensors) for name, tensors in modules.items() if tensors}

    return _or_user_error(path, read, "a pickle of PyTorch modules", "pickle.dump({'G': module, ...}, file)")


def _or_user_error(path: Path, read: Callable[[BinaryIO], Any], kind: str, wrote: str) -> Any:
    try:
        with path.open("rb") as file:
            return read(file)
    except FileNotFoundError:
        raise UserError(f"no such file: {path}") from None
    except Exception as error:  # a damaged pickle may raise any
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"cannot read {path} as {kind} ({reason}): give a file that {wrote} wrote") from error


def _read_zip(file: BinaryIO) -> Any:
    """The pickled object; the bytes of every storage are folder/data/KEY in the archive, beside folder/data.pkl."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        folder = next((name[: -len("data.pkl")] for name in names if name.endswith("/data.pkl")), None)
        if folder is None:
            raise ValueError("the zip file has no data.pkl")
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("its numbers are big-endian")
        with archive.open(f"{folder}data.pkl") as pickled:
            unpickler = _Unpickler(pickled)
            content = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage.content = archive.read(f"{folder}data/{key}")
        return content


def _read_legacy(file: BinaryIO) -> Any:
    """The same of a file with five pickles (the object is the fourth) and then the storages, each after its length."""
    file.seek(0)
    if _Unpickler(file).load() != MAGIC:
        raise ValueError("it does not begin as one")
    _Unpickler(file).load()  # the version of the format, which has not changed
    if not _Unpickler(file).load()["little_endian"]:
        raise ValueError("its numbers are big-endian")
    unpickler = _Unpickler(file)
    content = unpickler.load()
    for key in _Unpickler(file).load():
        storage = unpickler.storages[key]
        storage.content = file.read(int.from_bytes(file.read(8), "little") * storage.dtype.itemsize)
    return content


def _of_module(own: Any, prefix: str = "") -> dict[str, _Tensor]:
    """The parameters and buffers of a module and of those in it, by their names; {} of anything else."""
    state = getattr(own, "state", None)
    if state is None and isinstance(own, _Inert) and own.given and isinstance(own.given[0], dict):
        state = own.given[0].get("state")  # a persistent class: its state is beside its code
    if not isinstance(state, dict) or not {"_parameters", "_buffers", "_modules"} <= state.keys():
        return {}
    own = {**state["_parameters"], **state["_buffers"]}
    tensors = {f"{prefix}{name}": tensor for name, tensor in own.items() if isinstance(tensor, _Tensor)}
    for name, module in state["_modules"].items():
        tensors |= _of_module(module, f"{prefix}{name}.")
    return tensors


def _to_arrays(tensors: dict[str, _Tensor]) -> dict[str, np.ndarray]:
    return {name: _to_array(tensor) for name, tensor in tensors.items()}


def _to_array(tensor: _Tensor) -> np.ndarray:
    dtype, content = tensor.storage.dtype, tensor.storage.content
    strides = [step * dtype.itemsize for step in tensor.stride]
    # NumPy itself checks that the view stays inside the bytes, of which a truncated file has too few.
    return np.ndarray(tensor.size, dtype, content, tensor.offset * dtype.itemsize, strides).copy()
