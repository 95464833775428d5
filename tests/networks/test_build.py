"""The keys of networks in a config, and networks made by them."""

import importlib
import inspect
import sys

import pytest
from ml_collections import ConfigDict

from gan_jax import networks
from gan_jax.errors import UserError
from gan_jax.keys import complete
from gan_jax.lookup import modules_of, only_the_librarys_own
from gan_jax.networks import computing, dcgan, mlp, patch, resnet, unet
from gan_jax.networks.spectral import SpectralNorm

OWN = """
from typing import Literal
import flax.linen as nn
from gan_jax.keys import Share

class Generator(nn.Module):
    '''A network of somebody's.

    Attributes:
        shape: of the result.
        leak: of the activation.
    '''
    shape: tuple
    leak: Share = 0.1
    kind: Literal["plain", "fancy"] = "plain"
    other: object = None
"""


def config_of(player, keys, dtype="float32", **given):
    return ConfigDict({"networks": {player: complete(keys, given)}, "dtype": dtype, "remat": False})


def keys_of(name, role="Discriminator"):
    return networks.keys(role, name=name)({})


def test_the_keys_are_the_attributes_but_those_that_are_given():
    keys = keys_of("dcgan")
    assert list(keys) == ["name", "spectral", "conditioning", "minibatch", "width", "norm"]
    assert (keys["name"].default, keys["spectral"].default, keys["width"].default) == ("dcgan", False, 64)
    assert keys["minibatch"].choices == ("none", "stddev", "discrimination")
    assert keys["norm"].choices == ("batch", "device_batch", "instance", "affine_instance", "none")
    assert "norm" not in keys_of("r3gan") and list(keys_of("patch")) == [
        "name",
        "spectral",
        "width",
        "layers",
        "norm",
        "padding",
    ]
    assert set(keys_of("srresnet", "Translator")) == {"name", "spectral", "width", "blocks", "norm", "bicubic"}


@pytest.mark.parametrize("name", modules_of(networks))
@pytest.mark.parametrize("role", ["Generator", "Translator", "Discriminator", "Encoder", "TextEncoder", "Refiner"])
def test_every_key_has_a_doc_and_a_default_in_its_range(name, role):
    try:
        keys = networks.keys(role, name=name)({})
    except UserError:
        return
    for key in keys.values():
        assert key.doc and not key.problem(key.default)
        assert key.allowed() or isinstance(key.default, bool) or key is keys["name"]


def test_each_role_has_one_signature():
    """Of the arguments of a call, which games pass by name."""
    calls = {
        "Generator": ["z", "condition", "train"],
        "Discriminator": ["images", "condition", "train"],
        "Translator": ["images", "train", "key", "index"],
        "Encoder": ["examples", "train"],
        "TextEncoder": ["words", "train"],
        "Refiner": ["images", "condition", "train"],
    }
    found = dict.fromkeys(calls, 0)
    for name in modules_of(networks):
        module = importlib.import_module(f"gan_jax.networks.{name}")
        for role in vars(module).keys() & calls.keys():
            arguments = list(inspect.signature(getattr(module, role).__call__).parameters)[1:]
            more = [], ["key", "index"], ["level", "fade"]  # of what is noisy, and of what grows
            assert arguments in [[*calls[role], *own] for own in more], (name, role)
            found[role] += 1
    own = {"Generator": 9, "Discriminator": 12, "Translator": 5, "Encoder": 2}
    assert found == {**own, "TextEncoder": 2, "Refiner": 1}


def test_defaults_are_of_the_named_network_alone():
    keys = networks.keys("Discriminator", name="patch", norm="instance", width=8, spectral=True)
    assert complete(keys, {}) == {
        "name": "patch",
        "spectral": True,
        "width": 8,
        "layers": 3,
        "norm": "instance",
        "padding": "torch",
    }
    assert complete(keys, {"name": "patch", "width": 2})["norm"] == "instance"
    other = complete(keys, {"name": "srresnet"})
    assert other == {"name": "srresnet", "spectral": False, "width": 64, "norm": "batch"}


@pytest.mark.parametrize(
    "role, given, message",
    [
        ("Generator", {"width": 0}, "config.networks.generator.width=0: must be"),
        ("Generator", {"norm": "bacth"}, "must be one of batch, device_batch, .* did you mean batch"),
        ("Generator", {"wdith": 3}, "config.networks.generator.wdith: there is no such key; did you mean width"),
        ("Generator", {"name": "dcgna"}, r"config.networks.generator.name='dcgna': there is no module dcgna; did you"),
        ("Discriminator", {"name": 3}, "config.networks.discriminator.name='3': there is no module 3"),
        ("Discriminator", {"name": "layers"}, "layers has no Discriminator"),
        ("Discriminator", {"name": "unet"}, "unet has no Discriminator"),
        ("Translator", {"name": "unet", "depth": 1}, "config.networks.generator.depth=1: must be"),
        ("Translator", {"name": "unet", "dropout": 1.0}, r"generator.dropout=1.0: must be between 0 and 0.999"),
        ("Discriminator", {"name": "mlp", "bias_std": -1.0}, "discriminator.bias_std=-1.0: must be at least 0"),
        ("Discriminator", {"name": "resnet", "pool": "max"}, "must be one of sum, mean"),
        ("Discriminator", {"name": "patch", "layers": 0}, "discriminator.layers=0: must be"),
    ],
)
def test_bad_values_are_named(role, given, message):
    player = "discriminator" if role == "Discriminator" else "generator"
    name = {"Generator": "dcgan", "Discriminator": "dcgan", "Translator": "unet"}[role]
    with pytest.raises(UserError, match=message) as error:
        complete({"networks": {player: networks.keys(role, name=name)}}, {"networks": {player: given}})
    assert "\n" not in str(error.value)


def test_networks_are_as_their_keys_say():
    keys = networks.keys("Discriminator", name="dcgan", width=8)
    config = config_of("discriminator", keys)
    assert networks.build(config, "Discriminator", num_classes=3, num_codes=2) == dcgan.Discriminator(
        3, num_codes=2, width=8
    )
    config = config_of("discriminator", keys, name="resnet", pool="mean", spectral=True)
    assert networks.build(config, "Discriminator", num_classes=0) == SpectralNorm(resnet.Discriminator(pool="mean"))
    config = config_of("generator", networks.keys("Translator", name="unet"), dropout=0.0)
    assert networks.build(config, "Translator", shape=(8, 8, 3)) == unet.Translator((8, 8, 3), dropout=0.0)


def test_a_player_may_have_another_name():
    config = config_of("encoder", networks.keys("Discriminator", "encoder", name="mlp"), width=8)
    assert networks.build(config, "Discriminator", "encoder") == mlp.Discriminator(width=8)
    with pytest.raises(UserError, match=r"config.networks.encoder.name='mpl'"):
        networks.keys("Discriminator", "encoder", name="mlp")({"name": "mpl"})


def test_the_config_says_how_it_is_computed():
    keys = networks.keys("Discriminator", name="dcgan")
    assert networks.build(config_of("discriminator", keys), "Discriminator") == dcgan.Discriminator()
    network = networks.build(config_of("discriminator", keys, "bfloat16", spectral=True), "Discriminator")
    assert network == SpectralNorm(computing.Computed(dcgan.Discriminator(), "bfloat16", False))
    assert networks.bare(network) == dcgan.Discriminator()


def test_what_a_game_gives_must_be_known():
    config = config_of("discriminator", networks.keys("Discriminator", name="patch"))
    assert networks.build(config, "Discriminator", num_classes=0) == patch.Discriminator()
    with pytest.raises(UserError, match=r"--config.networks.discriminator.name=patch: it has no num_codes"):
        networks.build(config, "Discriminator", num_codes=3)
    config.networks.discriminator.wdith = 3
    with pytest.raises(UserError, match=r"--config.networks.discriminator.wdith: .* did you mean width"):
        networks.build(config, "Discriminator")


@pytest.mark.parametrize("name", ["my_network", "of.mine.network"])
def test_a_network_of_your_own(name, tmp_path, monkeypatch):
    path = tmp_path / f"{name.replace('.', '/')}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    keys = networks.keys("Generator", name="dcgan", width=8)
    own = keys({"name": name})
    assert list(own) == ["name", "spectral", "leak", "kind"] and own["leak"].doc == "of the activation."
    assert (own["leak"].high, own["kind"].choices) == (1, ("plain", "fancy"))
    network = networks.build(config_of("generator", keys, name=name, leak=0.5), "Generator", shape=(3,))
    assert (network.leak, network.shape, type(network).__module__) == (0.5, (3,), name)
    with only_the_librarys_own(), pytest.raises(UserError, match="is not part of gan_jax"):
        keys({"name": name})
    for module in [module for module in sys.modules if module == name or module.partition(".")[0] == "of"]:
        sys.modules.pop(module)
