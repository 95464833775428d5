"""Files made by hand in the way torch does it, and by torch itself where it is installed."""

import io
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from fractions import Fraction

import numpy as np
import pytest
from parity.importing import FOLDER

from gan_jax.errors import UserError
from gan_jax.torch_file import MAGIC, STORAGES, read_modules, read_state_dict

FORMATS = ["zip", "legacy"]


class Storage:
    def __init__(self, array):
        self.array = array


class Tensor:
    """A view of a storage, pickled as torch pickles its tensors."""

    def __init__(self, storage, offset, size, stride):
        self.arguments = (storage, offset, size, stride, False, OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class OldTensor(Tensor):
    """As before torch 0.4."""

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor, self.arguments[:4]


class Parameter(Tensor):
    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_parameter, (Tensor(*self.arguments[:4]), True, OrderedDict())


def tensor(array, kind=Tensor):
    array = np.asarray(array)
    return kind(Storage(array.ravel()), 0, array.shape, tuple(step // array.itemsize for step in array.strides))


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes an object with tensors in it to a file in one of the formats, and returns its path."""
    modules = {name: types.ModuleType(name) for name in ("torch", "torch._utils")}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter"):
        setattr(modules["torch._utils"], name, type(name, (), {"__module__": "torch._utils"}))
    for name in STORAGES:
        setattr(modules["torch"], name, type(name, (), {"__module__": "torch"}))
    storage_names = {np.dtype(code): name for name, code in STORAGES.items()}

    class Pickler(pickle.Pickler):
        def __init__(self, file, *extra):
            super().__init__(file, protocol=2)
            self.extra, self.keys = extra, {}

        def persistent_id(self, value):
            if isinstance(value, Storage):
                key, _ = self.keys.setdefault(id(value), (str(len(self.keys)), value.array))
                storage = getattr(modules["torch"], storage_names[value.array.dtype])
                return ("storage", storage, key, "cpu", value.array.size, *self.extra)
            return None

    def call(content, form):
        file, path = io.BytesIO(), tmp_path / f"{form}.pth"
        if form == "zip":
            pickler = Pickler(file)
            pickler.dump(content)
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("weights/data.pkl", file.getvalue())
                archive.writestr("weights/byteorder", "little")
                for key, array in pickler.keys.values():
                    archive.writestr(f"weights/data/{key}", array.tobytes())
        else:
            for part in (MAGIC, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}):
                pickle.dump(part, file, protocol=2)
            pickler = Pickler(file, None)
            pickler.dump(content)
            pickle.dump([key for key, _ in pickler.keys.values()], file, protocol=2)
            for _, array in pickler.keys.values():
                file.write(array.size.to_bytes(8, "little") + array.tobytes())
            path.write_bytes(file.getvalue())
        return path

    return call


def rejected(path, read=read_state_dict):
    with pytest.raises(UserError) as caught:
        read(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1 and str(path) in message
    return message


@pytest.mark.parametrize("form", FORMATS)
def test_all_types_and_shapes(write, form):
    rng = np.random.default_rng(0)
    arrays = {code: rng.integers(0, 2, (2, 3, 4)).astype(code) for code in STORAGES.values()}
    arrays |= {"scalar": np.array(7), "empty": np.zeros((0, 3), np.float32), "vector": rng.normal(size=5)}
    state = OrderedDict((name, tensor(array)) for name, array in arrays.items())
    state["parameter"] = tensor(arrays["vector"], Parameter)
    state["old"] = tensor(arrays["vector"], OldTensor)
    state._metadata = OrderedDict({"": {"version": 1}})
    found = read_state_dict(write(state, form))
    assert list(found) == list(state)
    for name, array in {**arrays, "parameter": arrays["vector"], "old": arrays["vector"]}.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize("form", FORMATS)
def test_views_of_one_storage(write, form):
    values = np.arange(24, dtype=np.float32)
    storage = Storage(values)
    state = {
        "all": Tensor(storage, 0, (4, 6), (6, 1)),
        "transposed": Tensor(storage, 0, (6, 4), (1, 6)),
        "part": Tensor(storage, 7, (2, 3), (6, 2)),
        "repeated": Tensor(storage, 5, (3, 2), (0, 1)),
    }
    found = read_state_dict(write(state, form))
    table = values.reshape(4, 6)
    expected = {"all": table, "transposed": table.T, "part": table[1:3, 1::2], "repeated": [[5.0, 6.0]] * 3}
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].flags.c_contiguous


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("form", FORMATS)
def test_no_code_is_run(write, tmp_path, form):
    victim = tmp_path / "victim"
    for content in (Attack(victim), {"weight": Attack(victim)}):
        assert f"{os.system.__module__}.system" in rejected(write(content, form))
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Attack(victim)))
    assert f"{os.system.__module__}.system" in rejected(tmp_path / "plain.pkl")
    assert not victim.exists()


@pytest.mark.parametrize("form", FORMATS)
def test_other_contents(write, form):
    weight = tensor(np.zeros(3, np.float32))
    for content in ([weight], {"model": {"weight": weight}, "epoch": 3}, weight, None):
        assert "not a dict of tensors alone" in rejected(write(content, form))
    assert "fractions.Fraction" in rejected(write({"weight": weight, "rate": Fraction(1, 2)}, form))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "view", [(0, (4,), (1,)), (-1, (2,), (1,)), (2, (2,), (1,)), (0, (2,), (-1,)), (0, (-2,), (1,))]
)
def test_a_view_beyond_its_storage(write, form, view):
    rejected(write({"weight": Tensor(Storage(np.zeros(3, np.float32)), *view)}, form))


@pytest.mark.parametrize("form", FORMATS)
def test_truncated(write, form):
    path = write({"weight": tensor(np.zeros(1000, np.float32))}, form)
    whole = path.read_bytes()
    for length in (0, 10, 200, len(whole) // 2, len(whole) - 4):
        path.write_bytes(whole[:length])
        rejected(path)


class Code:
    """An object of a class whose module is named as a package that modules are made of."""

    def __init__(self, state=None):
        self.state = state

    def __reduce__(self):
        reconstruct = sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj
        return reconstruct, ({"module_src": f"open({str(self.state)!r}, 'w')", "class_name": "G", "state": {}},)


def test_modules_as_their_authors_code_writes_them():
    """`tests/parity/make/r3gan.py`: modules that are pickled as they are, and persistent ones."""
    for name in ("conditional", "persistent"):
        modules = read_modules(FOLDER / f"r3gan_{name}.pkl")
        assert modules.keys() == {"G", "D", "G_ema"}
        assert modules["G"].keys() == modules["G_ema"].keys()
        basis, kernel = (
            modules["G"][f"Model.MainLayers.{own}"] for own in ("0.Layers.0.Basis", "1.Layers.0.Resampler.Kernel")
        )
        assert basis.shape == (8, 4, 4) and basis.dtype == np.float32
        np.testing.assert_allclose(kernel, np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64)


def test_no_code_of_modules_is_run(tmp_path, monkeypatch):
    victim, path = tmp_path / "victim", tmp_path / "networks.pkl"
    for name in ("torch_utils", "torch_utils.persistence"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    rebuild = type("_reconstruct_persistent_obj", (), {"__module__": "torch_utils.persistence"})
    sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj = rebuild
    path.write_bytes(pickle.dumps({"G": Code(victim)}))
    assert "there are no modules in it" in rejected(path, read_modules)
    path.write_bytes(pickle.dumps({"G": Code(victim), "hook": Attack(victim)}))
    assert f"it asks for {os.system.__module__}.system" in rejected(path, read_modules)
    assert not victim.exists()


def test_pickles_of_other_things(tmp_path):
    path = tmp_path / "networks.pkl"
    for content in ({"G": {"weight": 3}}, ["G"], 3, {}):
        path.write_bytes(pickle.dumps(content))
        assert "there are no modules in it" in rejected(path, read_modules)
    whole = (FOLDER / "r3gan_conditional.pkl").read_bytes()
    for length in (0, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        rejected(path, read_modules)


def test_other_files(tmp_path):
    assert "no such file" in rejected(tmp_path / "none.pth")
    (tmp_path / "text.pth").write_text("hello")
    np.savez(tmp_path / "arrays.pth.npz", weight=np.zeros(3))
    (tmp_path / "page.pth").write_text("<!DOCTYPE html><html>404</html>")
    for name in ("text.pth", "arrays.pth.npz", "page.pth", "."):
        assert "torch.save" in rejected(tmp_path / name)


@pytest.mark.parametrize("form", FORMATS)
def test_against_torch(tmp_path, form):
    torch = pytest.importorskip("torch", reason="needs torch, to write a file")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(5, 6).half())
    state = module.state_dict()
    values = torch.arange(24)
    for dtype in (torch.float64, torch.int32, torch.uint8, torch.bool):
        state[str(dtype)] = values.reshape(4, 6).to(dtype).T[1:4, ::2]
    state["parameter"] = torch.nn.Parameter(torch.ones(3))
    path = tmp_path / "state.pth"
    save = lambda: torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    save()
    found = read_state_dict(path)
    assert list(found) == list(state)
    for name, value in state.items():
        np.testing.assert_array_equal(found[name], value.detach().numpy(), strict=True)
    state["weight"] = torch.ones(3, dtype=torch.bfloat16)
    save()
    assert "BFloat16Storage" in rejected(path)
