"""`--mode=configs` and `--mode=show`: what there is to train, and what can be changed."""

from pathlib import Path

import pytest
from tiny import get_config

from gan_jax import config as configs
from gan_jax.errors import UserError
from gan_jax.modes.configs import describe

ROOT = Path(__file__).parent.parent.parent


def lines_of(capsys):
    return {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}


def test_configs_are_listed_with_their_results(run_mode, capsys):
    run_mode("--mode=configs")
    lines = lines_of(capsys)
    assert lines.keys() == {path.stem for path in (ROOT / "configs").glob("[!_]*.py")}
    for line in lines.values():
        assert "Result: " in line and line.endswith((".", ")"))
    assert "Eight Gaussians on a ring, watched as they converge. Result: 3,000 kimg" in lines["ring_mlp"]


def test_the_result_is_its_first_sentence(tmp_path):
    text = "A GAN.\n\nPaper: A et al. 2014.\n\nResult: 1 kimg, 2:14: FID 0.60 +- 0.04\n(10,000 samples). More.\n\nEnd."
    (tmp_path / "c.py").write_text(f'"""{text}\n"""')
    assert describe(tmp_path / "c.py") == "A GAN. Result: 1 kimg, 2:14: FID 0.60 +- 0.04 (10,000 samples)."
    (tmp_path / "c.py").write_text('"""A GAN."""')
    assert describe(tmp_path / "c.py") == "A GAN."


def test_keys_of_a_config(run_mode, capsys):
    run_mode("--mode=show", "--config=ring_mlp", "--config.terms.r1.weight=0.5", "--config.remat=true")
    lines = lines_of(capsys)
    assert lines["batch_size"].startswith("batch_size = 128 ") and "(default 64; " in lines["batch_size"]
    assert "terms.r1.weight = 0.5 " in lines["terms.r1.weight"] and "at least 0" in lines["terms.r1.weight"]
    assert "remat = true " in lines["remat"] and lines["remat"].endswith("(default false; may change on resume)")
    assert "non_saturating | " in lines["loss"]
    run_mode("--mode=show")
    assert lines_of(capsys)["total_kimg"].startswith("total_kimg = 200.0 ")  # digits_dcgan


def test_every_key_says_what_it_is(run_mode, capsys):
    run_mode("--mode=show", f"--config={ROOT / 'tests' / 'tiny.py'}")
    assert all(line.partition(" = ")[2].split()[1:] for line in lines_of(capsys).values())


def test_keys_of_a_run(run_mode, capsys, tmp_path):
    configs.save(get_config(seed=5), tmp_path / "config.json")
    run_mode("--mode=show", f"--workdir={tmp_path}")
    assert "seed = 5 " in lines_of(capsys)["seed"]
    with pytest.raises(UserError, match="not both"):
        run_mode("--mode=show", f"--workdir={tmp_path}", "--config.seed=3")
    with pytest.raises(UserError, match="is not the config of a run"):
        run_mode("--mode=show", f"--workdir={tmp_path / 'nowhere'}")
