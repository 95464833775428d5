"""What files say of a config, and networks that no config has."""

from pathlib import Path

import numpy as np
import pytest
from parity.importing import FOLDER

from gan_jax.errors import UserError
from gan_jax.foreign import Network, biggan_pytorch, convolution, cyclegan, linear, pix2pix, r3gan

CONV = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


def opened(form, name, file="G"):
    (network,) = form.read(FOLDER / name, file)
    return network


def changed(network, **changes):
    """With other tensors, by names with __ in place of dots; None: without."""
    tensors = {**network.tensors, **{name.replace("__", "."): value for name, value in changes.items()}}
    return network._replace(tensors={name: value for name, value in tensors.items() if value is not None})


def generator():
    return opened(biggan_pytorch, "biggan32_G.pth")


def pickled(name="r3gan_conditional.pkl"):
    """{"G", "G_ema" or "D": network}"""
    networks = r3gan.read(FOLDER / name, "networks")
    return {"D" if own.player == "discriminator" else "G_ema" if own.average else "G": own for own in networks}


def test_orders_of_axes():
    assert convolution("w").make(CONV)[1, 2, 0, 1] == CONV[1, 0, 1, 2]
    assert linear("w").make(CONV[:, :, 0, 0])[2, 1] == linear("w").make(CONV[:, :, :1, :1])[2, 1] == CONV[1, 2, 0, 0]


def test_keys_of_translators():
    assert pix2pix.keys(opened(pix2pix, "pix2pix_G.pth")) == {
        "networks.generator.name": "unet",
        "networks.generator.width": 2,
        "networks.generator.depth": 6,
        "networks.generator.norm": "affine_instance",
    }
    own = pix2pix.keys(opened(pix2pix, "pix2pix_D.pth", "D"))
    assert (own["networks.discriminator.layers"], own["networks.discriminator.norm"]) == (3, "affine_instance")
    own = cyclegan.keys(opened(cyclegan, "cyclegan_G_A.pth", "G_A"))
    assert (own["networks.generator.blocks"], own["networks.generator.padding"]) == (9, "torch")
    assert cyclegan.keys(opened(cyclegan, "cyclegan_D_A.pth", "D_A"))["networks.discriminator.norm"] == "instance"


def test_who_scores_what():
    """D_A scores what G_A makes, which is B."""
    assert opened(cyclegan, "cyclegan_D_A.pth", "D_A").part == "b"
    assert opened(cyclegan, "cyclegan_D_A.pth", "D_B").part == "a"


def test_keys_of_biggan():
    own = biggan_pytorch.keys(generator())
    assert own["networks.latent_size"] == 12 and own["networks.generator.spectral"] is True
    assert (own["networks.generator.grow"], own["networks.generator.attention"]) == (False, 16)
    own = biggan_pytorch.keys(opened(biggan_pytorch, "biggan128_D.pth", "D"))
    assert {key.rpartition(".")[2]: value for key, value in own.items()}.items() >= {
        "width": 1, "grow": True, "plain": 1, "smallest": 4, "attention": 8,
    }.items()  # fmt: skip


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"shared__weight": None}, "has no shared.weight: only a generator with --G_shared --hier fits"),
        ({"blocks__0__0__bn1__gain__weight": np.zeros((8, 4))}, "its blocks get no part of z"),
        ({"blocks__2__0__conv1__weight": np.zeros((4, 8, 3, 3))}, "its channels are 4, 8, 8, 8 from the finest"),
        ({"blocks__0__1__theta__weight": np.zeros((1, 8, 1, 1))}, "it attends at 8 and 16 pixels, resnet at one"),
    ],
)
def test_biggans_that_do_not_fit(changes, message):
    with pytest.raises(UserError, match=message):
        biggan_pytorch.keys(changed(generator(), **changes))


def test_biggan_without_spectral_normalization():
    tensors = {name: x for name, x in generator().tensors.items() if not name.endswith(("u0", "sv0"))}
    network = Network(Path("G.pth"), "generator", tensors)
    assert biggan_pytorch.keys(network)["networks.generator.spectral"] is False
    assert not [path for path in biggan_pytorch.places(network) if path.startswith("spectral")]


def test_statistics_of_several_devices(monkeypatch):
    renamed = {name.replace("stored_", "bn.running_"): x for name, x in generator().tensors.items()}
    monkeypatch.setattr(biggan_pytorch, "read_state_dict", lambda path: renamed)
    assert opened(biggan_pytorch, "biggan32_G.pth").tensors.keys() == {
        name.replace("bn.running_", "stored_") for name in renamed
    }


def test_keys_of_r3gan():
    own = pickled()
    assert r3gan.keys(own["G"]) == r3gan.keys(own["G_ema"])
    found = r3gan.keys(own["G"])
    assert found["labels"] == "require" and found["networks.latent_size"] == 5
    assert {key.rpartition(".")[2]: value for key, value in found.items()}.items() >= {
        "width": 8, "blocks": 1, "cardinality": 2, "expansion": 2, "embedding_size": 3,
    }.items()  # fmt: skip
    assert r3gan.keys(pickled("r3gan_persistent.pkl")["D"])["labels"] == "ignore"


def test_r3gans_that_do_not_fit(monkeypatch):
    own = pickled()["G"]
    wider = {"Model__MainLayers__1__Layers__1__LinearLayer1__Layer__weight": np.zeros((8, 4, 1, 1))}
    with pytest.raises(UserError, match="its stages have other widths, groups or blocks than the first"):
        r3gan.keys(changed(own, **wider))
    tensors = changed(own, Model__MainLayers__1__Layers__0__Resampler__Kernel=np.ones((3, 3)) / 9).tensors
    monkeypatch.setattr(r3gan, "read_modules", lambda path: {"G": tensors})
    with pytest.raises(UserError, match=r"Resampler.Kernel is another filter than \[1, 3, 3, 1\]"):
        pickled()
    monkeypatch.setattr(r3gan, "read_modules", lambda path: {"E": tensors})
    with pytest.raises(UserError, match="has no G or G_ema, but E"):
        pickled()


def test_a_pickle_of_the_averaged_generator_alone(monkeypatch):
    tensors = pickled()["G_ema"].tensors
    monkeypatch.setattr(r3gan, "read_modules", lambda path: {"G_ema": tensors})
    (network,) = r3gan.read(FOLDER / "none.pkl", "networks")
    assert network.tensors is tensors and not network.average
