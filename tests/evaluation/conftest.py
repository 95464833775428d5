"""The peer that parity is tested against, where it is installed."""

import importlib.util
import sys
import types

import pytest


@pytest.fixture(scope="session")
def torch_fidelity():
    """torch-fidelity, whose import asks for torchvision, although its metrics of features need none of it."""
    reason = "parity needs torch and torch-fidelity: pip install -e '.[parity]'"
    pytest.importorskip("torch", reason=reason)
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("torchvision") is None:
            for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
                patch.setitem(sys.modules, name, types.ModuleType(name))
            datasets = types.ModuleType("torchvision.datasets")
            datasets.CIFAR10 = datasets.CIFAR100 = datasets.STL10 = object
            patch.setitem(sys.modules, "torchvision.datasets", datasets)
        return pytest.importorskip("torch_fidelity", reason=reason)
