"""`--mode=import`: runs that translate, sample, are evaluated and trained on, and files that do not fit."""

import os
import pickle

import jax
import numpy as np
import pytest
from parity import fixtures
from parity.importing import FOLDER, imported
from PIL import Image
from translating import assert_alike, opened, random_picture, save_all

from gan_jax import cli, foreign
from gan_jax.foreign import Format
from gan_jax.foreign._run import find_format
from gan_jax.lookup import modules_of
from gan_jax.run import load
from gan_jax.torch_file import read_state_dict

UNET = FOLDER / "pix2pix_G.pth"
PIX2PIX = f"--format=pix2pix --weights={UNET}"
SMALL = ["--config.data.image_size=64", "--config.data.jitter=72", "--config.evaluation.source="]


def run(*arguments):
    cli.main(["main.py", *map(str, arguments)])


@pytest.fixture
def rejected(tmp_path, capsys):
    """`(arguments) -> the line`: the import ends with status 2 and writes nothing."""

    def call(arguments):
        workdir = tmp_path / "run"
        with pytest.raises(SystemExit) as stopped:
            run("--mode=import", f"--workdir={workdir}", *arguments.split())
        (line,) = capsys.readouterr().err.splitlines()
        assert stopped.value.code == 2 and not workdir.exists()
        return line

    return call


@pytest.fixture
def altered(monkeypatch):
    """`(module of a format, change)`: its files have what `change` makes of their tensors."""

    def alter(name, change):
        def read(path):
            tensors = read_state_dict(path)
            change(tensors)
            return tensors

        monkeypatch.setattr(f"gan_jax.foreign.{name}.read_state_dict", read)

    return alter


def test_all_formats():
    for name in modules_of(foreign):
        form = find_format(name)
        assert isinstance(form, Format) and cli.load_config(form.config).game == form.game


def test_a_file_is_translated_as_the_authors_code_does(tmp_path):
    numbers = fixtures.load("translators")
    Image.fromarray(numbers["pix2pix_G_x"][0]).save(tmp_path / "plan.png")
    flags = [*PIX2PIX.split(), f"--workdir={tmp_path / 'run'}", "--config.networks.generator.dropout=0", *SMALL]
    run("--mode=import", *flags)
    out = tmp_path / "out"
    run("--mode=translate", f"--workdir={tmp_path / 'run'}", f"--input={tmp_path / 'plan.png'}", f"--out={out}")
    assert_alike(opened(out / "plan.png")[::2], np.rint(numbers["pix2pix_G_y"][0] * 127.5 + 127.5))


def test_samples_of_a_class(tmp_path):
    averaged = imported(tmp_path / "run", "r3gan", ["r3gan_conditional.pkl"])
    run("--mode=sample", f"--workdir={tmp_path / 'run'}", f"--out={tmp_path / 'a.npz'}", "--num=3", "--label=3")
    arrays = np.load(tmp_path / "a.npz")
    assert arrays["labels"].tolist() == [3, 3, 3]
    np.testing.assert_array_equal(arrays["images"], averaged.sample(3, label=3))
    assert not np.array_equal(arrays["images"], averaged.sample(3, label=3, ema=False))


def test_a_run_is_evaluated_and_trained_on_when_its_data_are_there(tmp_path, capsys):
    data = f"folder:{tmp_path / 'pairs'}"
    workdir, weights = tmp_path / "run", f"{UNET},{FOLDER / 'pix2pix_D.pth'}"
    flags = ["--config=facades_pix2pix", f"--config.data.source={data}", *SMALL, "--config.evaluation.features=none"]
    run("--mode=import", "--format=pix2pix", f"--weights={weights}", f"--workdir={workdir}", *flags)
    told = capsys.readouterr().out
    (line,) = [line for line in told.splitlines() if " with --config." in line]
    assert "data set is not there" in told and "as initialized" not in told
    before = load(workdir)
    assert int(before.state.step) == 0 and before.record["num_examples"] == {}
    save_all(tmp_path / "pairs", 3, lambda number: random_picture(number, 64, 128))
    assert [name for name, _ in before.record["imported"]["files"]] == ["pix2pix_D.pth", "pix2pix_G.pth"]
    report = tmp_path / "report.json"
    run("--mode=evaluate", f"--workdir={workdir}", "--num=2", "--metrics=pairs", "--features=pixels", f"--out={report}")
    assert "psnr" in report.read_text()
    keys = [word for word in line.split() if word.startswith("--config.")]  # as it is told, so it may be typed
    run(*flags, *keys, f"--workdir={workdir}", "--runner=jit", "--config.total_kimg=0.001")
    after = load(workdir)
    assert int(after.state.step) == 1 and after.record["num_examples"]["all"] == 3
    trained = jax.tree.map(np.subtract, after.state.variables, before.state.variables)
    moved = {player: max(np.abs(x).max() for x in jax.tree.leaves(own)) for player, own in trained.items()}
    assert all(0 < most < 0.01 for most in moved.values())


def test_the_data_set_may_be_missing_or_another(tmp_path, capsys):
    imported(tmp_path / "a", "pix2pix", ["pix2pix_G.pth"], *SMALL)
    told = capsys.readouterr().out
    assert "not in the files, so as initialized: discriminator" in told and "no such folder" in told
    data = save_all(tmp_path / "pairs", 3, lambda number: random_picture(number, 64, 128))
    there = imported(tmp_path / "c", "pix2pix", ["pix2pix_G.pth"], *SMALL, f"--config.data.source={data}")
    assert "data set" not in capsys.readouterr().out and there.record["num_examples"]["all"] == 3
    imported(tmp_path / "b", "r3gan", ["r3gan_conditional.pkl"], "--config.data.source=digits")
    assert "digits: image is image 28x28x1, of these weights image 16x16x3" in capsys.readouterr().out


def test_further_averages_begin_as_the_files_own(tmp_path):
    state = imported(tmp_path / "run", "r3gan", ["r3gan_conditional.pkl"], "--config.ema.others_kimg=1,100").state
    kept = state.variables["generator"]["averages"]
    for name in ("1", "100"):
        jax.tree.map(np.testing.assert_array_equal, kept[name], state.ema["generator"])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ("", "--mode=import needs --format=NAME, --weights=FILE and --workdir=DIR"),
        (
            f"--format=pix2pixx --weights={UNET}",
            "--format=pix2pixx: there is no module pix2pixx; did you mean pix2pix?",
        ),
        (f"--format=dream --weights={UNET}", "there are: biggan_pytorch, cyclegan, pix2pix, r3gan"),
        ("--format=pix2pix --weights=none.pth", "--weights=none.pth: there is no such file"),
        (f"{PIX2PIX},,{UNET}", "--weights: 3 files, but --format=pix2pix has G, D"),
        (f"--format=pix2pix --weights=,{FOLDER / 'pix2pix_D.pth'}", "--weights names no generator"),
        (f"--format=pix2pix --weights={FOLDER / 'pix2pix_D.pth'}", "pix2pix_D.pth lacks model.model.0.weight: "),
        (
            f"--format=pix2pix --weights={FOLDER / 'r3gan.npz'}",
            "as a PyTorch state dict (the zip file has no data.pkl)",
        ),
        (f"--format=r3gan --weights={UNET}", "pix2pix_G.pth as a pickle of PyTorch modules"),
        (f"{PIX2PIX} --config=ring_mlp", "--config=ring_mlp: its game is adversarial, these weights are of pix2pix"),
        (f"{PIX2PIX} --config.networks.generator.depth=7", "networks.generator.depth=7: {UNET} needs 6"),
        (f"{PIX2PIX} --config.networks.generator.norm=batch", "generator.norm=batch: {UNET} needs affine_instance"),
        (f"{PIX2PIX} --config.networks.generator.deep=7", "there is no such key in this config"),
        (f"{PIX2PIX} --config.data.image_size=native", "data.image_size=native: say what size the weights are for"),
        (f"{PIX2PIX} --config.data.image_size=16", "a unet of depth 6 is too deep for images of 16x16"),
    ],
)
def test_what_does_not_fit(rejected, arguments, message):
    assert message.replace("{UNET}", str(UNET)) in rejected(arguments)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t.update({"model.model.9.weight": np.zeros(3)}), "model.model.9.weight has no place in the network"),
        (lambda t: t.update({"x": np.zeros(3), "y": np.zeros(3)}), "x and 1 more has no place in the network"),
        (lambda t: t.pop("model.model.3.bias"), "lacks model.model.3.bias"),
        (
            lambda t: t.update({"model.model.3.bias": np.zeros(4)}),
            "model.model.3.bias is [4], as params.ConvTranspose_5.bias [4], where the config's generator has [3]",
        ),
        (lambda t: t.update({"model.model.1.model.1.weight": np.zeros(4)}), "model.model.1.model.1.weight is [4], as"),
        (lambda t: t.update({"model.model.0.weight": np.zeros(4)}), "model.model.0.weight is [4], which is no kernel"),
        (lambda t: t["model.model.3.bias"].fill(np.nan), "model.model.3.bias is not finite"),
        (lambda t: [t.pop(name) for name in list(t) if name.endswith(".2.weight")], "only a U-Net with --norm batch"),
    ],
)
def test_tensors_that_do_not_fit(rejected, altered, change, message):
    altered("pix2pix", change)
    assert message in rejected(f"{PIX2PIX} {' '.join(SMALL)}")


def test_networks_that_do_not_go_together(rejected, altered):
    def narrower(tensors, calls=[]):  # noqa: B006 (the second file)
        calls.append(1)
        if len(calls) == 2:
            tensors["model.1.weight"] = tensors["model.1.weight"][:1]

    altered("cyclegan", narrower)
    file = FOLDER / "cyclegan_G_A.pth"
    message = f"{file} needs --config.networks.generator.width=1, {file} 2"
    assert message in rejected(f"--format=cyclegan --weights={file},{file}")


@pytest.mark.parametrize("what", ["file", "folder", "run"])
def test_nothing_is_overwritten(tmp_path, rejected, capsys, what):
    workdir = tmp_path / "there"
    if what == "file":
        workdir.write_text("mine")
    else:
        workdir.mkdir()
        (workdir / ("config.json" if what == "run" else ".hidden")).write_text("mine")
    with pytest.raises(SystemExit):
        run("--mode=import", *PIX2PIX.split(), f"--workdir={workdir}")
    assert "is not empty: choose another --workdir" in capsys.readouterr().err


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("name", modules_of(foreign))
def test_a_file_that_would_run_code_is_rejected(tmp_path, rejected, name):
    file, victim = tmp_path / "evil.pkl", tmp_path / "victim"
    file.write_bytes(pickle.dumps({"G_ema": Attack(victim), "G": Attack(victim)}))
    assert f"it asks for {os.system.__module__}.system" in rejected(f"--format={name} --weights={file}")
    assert not victim.exists()
