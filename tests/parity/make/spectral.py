"""Numbers of torch.nn.utils.spectral_norm for tests/parity/test_spectral.py. PyTorch 2.13.

python tests/parity/make/spectral.py
"""

import torch
from peers import save

ROUNDS = (1, 2, 3, 12, 13, 300)


def layers():
    yield "dense", torch.nn.Linear(12, 5, bias=False), torch.randn(4, 12)
    yield "conv", torch.nn.Conv2d(3, 6, 3, padding=1, bias=False), torch.randn(2, 3, 5, 5)
    yield "embedding", torch.nn.Embedding(7, 4), torch.tensor([0, 6, 3])


def main():
    numbers = {}
    for name, layer, x in layers():
        torch.manual_seed(1)
        layer = torch.nn.utils.spectral_norm(layer)
        w = layer.weight_orig
        numbers |= {f"{name}_w": w.detach().clone(), f"{name}_u0": layer.weight_u.clone(), f"{name}_x": x}
        for number in range(1, max(ROUNDS) + 1):
            y = layer(x)
            if number in ROUNDS:
                # What the layer has divided by.
                sigma = (w.flatten() @ w.flatten() / (layer.weight.flatten() @ w.flatten())).detach()
                numbers |= {f"{name}_sigma{number}": sigma, f"{name}_u{number}": layer.weight_u.clone()}
        cotangent = torch.randn(y.shape)
        (y * cotangent).sum().backward()
        numbers |= {f"{name}_y": y.detach(), f"{name}_cotangent": cotangent, f"{name}_gradient": w.grad}
        numbers[f"{name}_v"] = layer.weight_v
    save("spectral", **numbers)


torch.manual_seed(0)
main()
