"""What all tests of the data share: a cache of their own, and configs."""

import types

import pytest

from gan_jax.data import KEYS


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_JAX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def config():
    """Makes the data part of a config."""

    def make(source, image_size="native", fit="crop", skip_broken=False, **others):
        given = {"source": str(source), "image_size": image_size, "fit": fit, "skip_broken": skip_broken, **others}
        return types.SimpleNamespace(**{name: key.default for name, key in KEYS.items()} | given)

    return make


@pytest.fixture
def rejected():
    """Calls something that must raise one clear line, and returns that line."""
    from gan_jax.errors import UserError

    def call(function, *args, **kwargs):
        with pytest.raises(UserError) as caught:
            function(*args, **kwargs)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        return message

    return call
