"""Fields in a checkpoint's record, and batches of them."""

import json

import numpy as np
import pytest

from gan_jax import modalities
from gan_jax.data.sources import ring
from gan_jax.errors import UserError

OWN = """
from gan_jax.modalities import Modality
MODALITY = Modality("bent_lines", lambda x, field: x / field.fitted["scale"], None, None, None, None)
"""


def test_fields_survive_json():
    fields = ring.open_source().fields
    again = modalities.from_json(json.loads(json.dumps(modalities.to_json(fields))))
    assert again == fields and list(again) == ["points", "label"]


def test_a_modality_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "bent_lines.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    fields = {"curve": modalities.Field(modalities.lookup("bent_lines"), (3,), (), {"scale": 2})}
    assert modalities.from_json(modalities.to_json(fields)) == fields
    batch = {"curve": np.full((2, 3), 4.0), "index": np.arange(2), "labeled": {"curve": np.full((2, 3), 6.0)}}
    inside = modalities.to_model(batch, fields)
    assert (inside["curve"] == 2).all() and (inside["labeled"]["curve"] == 3).all()
    assert inside["index"].tolist() == [0, 1] and set(inside) == set(batch)


def test_a_modality_that_there_is_not():
    with pytest.raises(UserError, match=r"did you mean image\?"):
        modalities.lookup("imgae")
