"""Runs of older versions: their configs and records under the names of today. The only place that knows old names.

0.1.0 had one tree of keys for all games, British spelling, and a group for each sort of term. Up to 0.2.0, networks of
PyTorch code were padded as XLA does, AC-GAN classified generated examples too, and R3GAN had other networks.
"""

from typing import Any

from gan_jax.errors import UserError

OF_0_1, OF_0_2 = "0.1.0", "0.2.0"


def config(stored: dict[str, Any], version: str) -> dict[str, Any]:
    """The config of a run under today's names; keys that came later are absent, their defaults mean "as before".

    Args:
        stored: what config.json holds.
        version: of gan_jax, that wrote it.

    Raises:
        KeyError: it lacks what a config of that version has.
        UserError: its networks are no longer there.
    """
    if version == OF_0_1:
        stored = _from_0_1(stored)
    return _from_0_2(stored) if version in (OF_0_1, OF_0_2) else stored


def record(stored: dict[str, Any], config: Any) -> dict[str, Any]:
    """A checkpoint's record under today's names.

    Args:
        stored: the record.
        config: of the run, today's.
    """
    if "fields" in stored:
        return stored
    from gan_jax import modalities
    from gan_jax.data import fields_for_inputs
    from gan_jax.modalities import Field

    shape, num_classes = tuple(stored["image_shape"]), stored["num_classes"]
    kind = "image" if len(shape) == 3 else "points"
    # What the sources of digits say of their images since.
    of_digits = config.data.source.split(":")[:2] in (["digits"], ["stacked_digits"], ["tfds", "mnist"])
    fitted = {"features": "classifier"} if of_digits and shape[:2] == (28, 28) else {}
    fields = {kind: Field(modalities.lookup(kind), shape, fitted=fitted)}
    if num_classes:
        names = tuple(map(str, range(num_classes)))
        fields["label"] = Field(modalities.lookup("label"), (), names)
    fields |= fields_for_inputs(config.data, fields)
    examples = {"all": stored["num_images"], "unpaired": stored.get("num_inputs", 0)}
    kept = {k: v for k, v in stored.items() if k not in ("image_shape", "num_classes", "num_images", "num_inputs")}
    if "judge" in kept.get("best", {}):
        kept["best"] = {**kept["best"], "selected_by": kept["best"]["judge"]}
    return {**kept, "fields": modalities.to_json(fields), "num_examples": examples}


def _from_0_2(old: dict[str, Any]) -> dict[str, Any]:
    new = {**old, "networks": dict(old.get("networks", {})), "terms": dict(old.get("terms", {}))}
    for player, own in new["networks"].items():
        name = own.get("name") if isinstance(own, dict) else None
        if name == "r3gan":
            raise UserError("its r3gan is not the paper's: its filters are half a pixel off")
        if name in ("patch", "translation"):
            new["networks"][player] = {"padding": "same", **own}
    if "discriminator" in (classes := new["terms"].get("classes", {})):
        new["terms"]["fake_classes"] = {"weight": classes["discriminator"]}
    if "lecam" in new["terms"]:
        new["terms"]["lecam"] = {"start": 0, **new["terms"]["lecam"]}
    return {name: value for name, value in new.items() if name in old}


def _from_0_1(old: dict[str, Any]) -> dict[str, Any]:
    game = old["game"]
    loop = (
        "game", "seed", "batch_size", "micro_batches", "dtype", "remat", "total_kimg", "ema", "log_kimg", "sample_kimg",
        "eval_kimg", "checkpoint_kimg", "keep_checkpoints", "evaluation",
    )  # fmt: skip
    new = {name: old[name] for name in loop if name in old}
    new["data"] = {"labeled" if name == "labelled" else name: value for name, value in old["data"].items()}
    new["optimizers"] = {player: _optimizer(own) for player, own in old["optimizers"].items()}
    new["networks"] = {name: _network(own) if isinstance(own, dict) else own for name, own in old["networks"].items()}
    return GAMES[game](old, new) if game in GAMES else _somebodys_own(old, new)


BASE_0_1 = (
    "labels", "loss", "penalty", "n_critic", "generator_batch", "generator_loss", "top_k", "pac", "consistency",
    "lecam", "augment", "auxiliary", "info", "networks",
)  # fmt: skip


def _somebodys_own(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """All games had the keys of all; now this one has those that it declares."""
    from gan_jax.config import game_module
    from gan_jax.keys import resolve

    declared = getattr(game_module(old["game"]), "KEYS", {})
    config = {**old, **new}
    networks = resolve(declared.get("networks", {}), config["networks"])
    config["networks"] = {name: own for name, own in config["networks"].items() if name in networks}
    return {name: own for name, own in config.items() if name in declared or name not in BASE_0_1}


def _optimizer(old: dict[str, Any]) -> dict[str, Any]:
    new = {name: value for name, value in old.items() if name not in ("decay", "b1", "b2")}
    new["schedule"] = old["decay"]
    if old["name"] == "rmsprop":  # whose decay was b2
        return {**new, "decay": old["b2"], "eps_in_sqrt": False}
    return {**new, "b1": old["b1"], "b2": old["b2"]}


def _network(old: dict[str, Any]) -> dict[str, Any]:
    return {"bias_std" if name == "bias_scale" else name: value for name, value in old.items()}


def _adversarial(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    terms = {"adversarial": {"weight": old["generator_loss"]["adversarial"]}}
    penalty, consistency = old["penalty"], old["consistency"]
    if penalty["name"] != "none":
        terms[penalty["name"]] = {name: value for name, value in penalty.items() if name != "name"}
    if old["lecam"]["weight"]:
        terms["lecam"] = old["lecam"]
    if old["generator_loss"]["feature_matching"]:
        terms["feature_matching"] = {"weight": old["generator_loss"]["feature_matching"]}
    for name in ("real", "fake"):
        if consistency[name]:
            terms[f"{name}_consistency"] = {"weight": consistency[name], "flip": consistency["flip"]}
    for name, term in (("latent", "latent_consistency"), ("diversity", "diversity")):
        if consistency[name]:
            terms[term] = {"weight": consistency[name], "sigma": consistency["sigma"]}
    conditional = old["labels"] != "ignore"
    if conditional and old["networks"]["discriminator"].get("conditioning") == "auxiliary":
        terms["classes"] = old["auxiliary"]
    codes = {name: old["info"][name] for name in ("categories", "continuous")}
    if any(codes.values()):
        terms["codes"] = {"weight": old["info"]["weight"]}
    same = ("labels", "loss", "n_critic", "generator_batch", "top_k", "pac", "augment")
    return {**new, **{name: old[name] for name in same}, "codes": codes, "terms": terms}


def _semi_supervised(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    own = old["semi_supervised"]
    weights = {
        "supervised": 1.0,
        "unlabeled": own["unlabelled_weight"],
        "agreement": own["consistency"],
        "feature_matching": 1.0,
    }
    terms = {name: {"weight": weight} for name, weight in weights.items() if weight}
    if (metrics := old["evaluation"]["metrics"]) not in ("watched", "auto", "all"):  # the test error always was
        new = {**new, "evaluation": {**old["evaluation"], "metrics": f"{metrics},classify"}}
    return {**new, "augment": {name: old["augment"][name] for name in ("name", "policy")}, "terms": terms}


def _translating(old: dict[str, Any], new: dict[str, Any], terms: dict[str, Any], **others: Any) -> dict[str, Any]:
    terms = {name: own for name, own in terms.items() if own["weight"]}
    networks = {name: own for name, own in new["networks"].items() if name != "latent_size"}
    return {**new, "networks": networks, "loss": old["loss"], "terms": terms, **others}


def _pix2pix(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    terms = {"adversarial": old["generator_loss"]["adversarial"], "l1": old["pix2pix"]["l1"]}
    return _translating(old, new, {name: {"weight": weight} for name, weight in terms.items()})


def _cyclegan(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    own = old["cyclegan"]
    terms = {
        "adversarial": old["generator_loss"]["adversarial"],
        "cycle": own["cycle"],
        "identity": own["cycle"] * own["identity"],
    }
    return _translating(old, new, {name: {"weight": weight} for name, weight in terms.items()}, pool=own["pool"])


def _srgan(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    own = old["srgan"]
    terms = {name: {"weight": own[name]} for name in ("pixel", "perceptual", "adversarial")}
    terms["perceptual"]["features"] = own["features"]
    return _translating(old, new, terms, warmup_kimg=own["warmup_kimg"])


GAMES = {
    "adversarial": _adversarial,
    "semi_supervised": _semi_supervised,
    "pix2pix": _pix2pix,
    "cyclegan": _cyclegan,
    "srgan": _srgan,
}
