"""Numbers of losses that were written for Theano and TensorFlow 1, for tests/parity/test_losses.py.

Neither can be installed today, so the authors' own lines run with NumPy in the place of both: openai/improved-gan
4f5d1ec, mnist_svhn_cifar10/nn.py and train_mnist_feature_matching.py; openai/InfoGAN 6e41232,
infogan/misc/distributions.py; igul222/improved_wgan_training fa66c57, gan_cifar_resnet.py.

    python tests/parity/make/losses_numpy.py FOLDER_OF_CLONES
"""

from types import SimpleNamespace

import numpy as np
from peers import run, save

RNG = np.random.default_rng(0)


class Tensor(np.ndarray):
    """An array as Theano has them: with axes of 1 where `dimshuffle` says "x"."""

    def dimshuffle(self, *order):
        axes = [axis for axis in order if axis != "x"]
        return np.expand_dims(self.transpose(axes), [i for i, axis in enumerate(order) if axis == "x"])


def tensor(*shape):
    return RNG.normal(size=shape).view(Tensor)


T = SimpleNamespace(
    max=np.max, log=np.log, exp=np.exp, sum=np.sum, mean=np.mean, square=np.square, sqrt=np.sqrt, arange=np.arange,
    tensordot=lambda a, b, axes: np.tensordot(a, b, axes).view(Tensor), concatenate=np.concatenate,
    eye=lambda n: np.eye(n).view(Tensor),
    nnet=SimpleNamespace(softplus=lambda x: np.log1p(np.exp(x))),
)  # fmt: skip
NN = "improved-gan/mnist_svhn_cifar10/nn.py"


def semi_supervised(batch=6, classes=4, features=5):
    """loss_lab, loss_unl and loss_gen, of the classes' logits and features."""
    script = "improved-gan/mnist_svhn_cifar10/train_mnist_feature_matching.py"
    given = {f"{kind}_logits": 3 * tensor(batch, classes) for kind in ("lab", "unl", "fake")}
    given |= {"labels": RNG.integers(classes, size=batch)}
    features = {"real_features": tensor(batch, features), "fake_features": tensor(batch, features)}
    names = {f"output_before_softmax_{kind}": given[f"{kind}_logits"] for kind in ("lab", "unl", "fake")}
    names |= {"T": T, "nn": run(NN, "def log_sum_exp", T=T), "labels": given["labels"]}
    # LL.get_output of a layer and its input: here the layers are the features themselves.
    names |= {"LL": SimpleNamespace(get_output=lambda layer, x: x), "layers": [None] * 3}
    names |= {"gen_dat": features["fake_features"], "x_unl": features["real_features"]}
    names["args"] = SimpleNamespace(batch_size=batch)
    starts = ("z_exp_lab", "l_lab", "l_unl", "loss_lab", "loss_unl", "mom_gen", "mom_real", "loss_gen")
    made = run(script, *(f"{name} = " for name in starts), **names)
    return {**given, **features, "loss_lab": made.loss_lab, "loss_unl": made.loss_unl, "loss_gen": made.loss_gen}


def minibatch(batch=5, inputs=7, kernels=3, dimensions=5):
    layers = SimpleNamespace(Layer=object)
    init = SimpleNamespace(Normal=lambda *_: None, Constant=lambda *_: None)
    kind = run(NN, "class MinibatchLayer", T=T, np=np, lasagne=SimpleNamespace(layers=layers, init=init)).MinibatchLayer
    layer, x = kind.__new__(kind), tensor(batch, inputs)
    layer.W, layer.b = tensor(inputs, kernels, dimensions) / 5, np.zeros(kernels).view(Tensor)
    return {"minibatch_x": x, "minibatch_w": layer.W, "minibatch": layer.get_output_for(x)}


def codes(batch=6, categories=4, continuous=2):
    """Minus the logarithm of Q(c|x), of Q as the MNIST experiment has it: with standard deviations of 1."""
    tf = SimpleNamespace(log=np.log, square=np.square, reduce_sum=lambda x, reduction_indices: x.sum(reduction_indices))
    names = {"tf": tf, "np": np, "TINY": 1e-8}
    kinds = run(
        "InfoGAN/infogan/misc/distributions.py", "class Distribution", "class Categorical", "class Gaussian", **names
    )
    read = tensor(batch, categories + continuous)
    code = np.concatenate([np.eye(categories)[RNG.integers(categories, size=batch)], tensor(batch, continuous)], axis=1)
    probabilities = np.exp(read[:, :categories])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    category = kinds.Categorical(categories).logli(code[:, :categories], {"prob": probabilities})
    distribution = {"mean": read[:, categories:], "stddev": np.ones((batch, continuous))}
    number = kinds.Gaussian(continuous, fix_std=True).logli(code[:, categories:], distribution)
    return {"codes_read": read, "codes_code": code, "codes": -category - number}


def auxiliary(real=4, classes=3):
    """What Gulrajani et al. add to the critic's loss, of logits of real images, then as many of generated ones."""

    def cross_entropy(logits, labels):
        return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]

    nn = SimpleNamespace(sparse_softmax_cross_entropy_with_logits=cross_entropy)
    labels, logits, costs = RNG.integers(classes, size=2 * real), tensor(2 * real, classes), []
    size = type("Size", (int,), {"__truediv__": int.__floordiv__})(real)  # as / was in Python 2
    names = {"tf": SimpleNamespace(reduce_mean=np.mean, nn=nn), "BATCH_SIZE": size, "DEVICES_A": [None]}
    names |= {"disc_all_acgan": logits, "real_and_fake_labels": labels, "disc_acgan_costs": costs}
    run("improved_wgan_training/gan_cifar_resnet.py", "disc_acgan_costs.append", **names)
    return {"ac_logits": logits, "ac_labels": labels, "ac": costs[0]}


save("losses_numpy", **semi_supervised(), **minibatch(), **codes(), **auxiliary())
