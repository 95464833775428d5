"""The workload pix2pix256 of `throughput.py` in PyTorch, for `compare.py`. It needs torch alone.

    python benchmarks/pix2pix_torch.py [--batch=1] [--seconds=10] [--compile] [--amp]

The networks are those of the paper's authors in PyTorch, of 54,413,955 and 2,768,705 parameters, weights ~ N(0, 0.02):
    generator       U-Net, 8 conv4 s2 down, as many convT4 s2 up, channels 64-128-256-512-512-...; LeakyReLU .2
                    down, ReLU up, BatchNorm2d in training mode in all layers but the first, the deepest and the last;
                    dropout .5 after the 3 layers that follow the first one up; tanh
    discriminator   70-pixel PatchGAN of input and image: conv4 s2 64, s2 128 BN, s2 256 BN, s1 512 BN, s1 1;
                    LeakyReLU .2
A round is theirs too: a pair, enlarged to 286 pixels by bicubic interpolation, a window of it, flipped half of the
time; one pass of G, which both updates use; D's update on (BCE(D(real), 1) + BCE(D(fake), 0)) / 2; G's on
BCE(D(fake), 1) + 100 L1. Adam(2e-4, .5, .999), fused. The pairs are random uint8 that lie on the device.

What ours does beyond this: an average of the generator is kept, and the norms of gradients are measured.

Prints one JSON line; `peak_mb` (MB = 10^6 bytes) is all that the process ever held on a CPU, what tensors took at most
on a GPU.
"""

import argparse
import json
import random
import resource
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

PAIRS, SIZE, WIDTH = 100, 256, 64  # pairs in memory, pixels, channels


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        depth = SIZE.bit_length() - 1
        channels = [WIDTH * min(2**level, 8) for level in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (c_in, c) in enumerate(zip([3, *channels], channels, strict=False)):
            layers = [nn.LeakyReLU(0.2)] if level else []
            layers.append(nn.Conv2d(c_in, c, 4, 2, 1, bias=False))
            self.down.append(nn.Sequential(*layers, *([nn.BatchNorm2d(c)] if 0 < level < depth - 1 else [])))
        for level in reversed(range(depth - 1)):
            c_in, c = channels[level + 1] * (1 if level == depth - 2 else 2), channels[level]
            layers = [nn.ReLU(), nn.ConvTranspose2d(c_in, c, 4, 2, 1, bias=False), nn.BatchNorm2d(c)]
            self.up.append(nn.Sequential(*layers, *([nn.Dropout(0.5)] if 3 <= level < depth - 2 else [])))
        self.last = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * WIDTH, 3, 4, 2, 1), nn.Tanh())

    def forward(self, x):
        maps = []
        for layer in self.down:
            x = layer(x)
            maps.append(x)
        maps.pop()
        for layer in self.up:
            x = torch.cat([maps.pop(), layer(x)], 1)
        return self.last(x)


def patch_gan() -> nn.Module:
    layers = [nn.Conv2d(6, WIDTH, 4, 2, 1), nn.LeakyReLU(0.2)]
    for i, o, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
        layers += [nn.Conv2d(i * WIDTH, o * WIDTH, 4, stride, 1, bias=False), nn.BatchNorm2d(o * WIDTH)]
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Conv2d(8 * WIDTH, 1, 4, 1, 1))


def init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def preprocess(pair: torch.Tensor) -> torch.Tensor:
    """uint8 [6, H, W], input and image -> float in [-1, 1], a window of the enlarged pair, perhaps mirrored."""
    jitter = 286
    x = F.interpolate(pair[None].float() / 127.5 - 1, (jitter, jitter), mode="bicubic").clamp(-1, 1)[0]
    top, left = random.randint(0, jitter - SIZE), random.randint(0, jitter - SIZE)
    x = x[:, top : top + SIZE, left : left + SIZE]
    return x.flip(2) if random.random() < 0.5 else x


def measure(args) -> dict:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    torch.backends.cudnn.benchmark = True
    generator = UNet().apply(init_weights).to(device)
    discriminator = patch_gan().apply(init_weights).to(device)
    parameters = [sum(p.numel() for p in net.parameters()) for net in (generator, discriminator)]
    adam = lambda net: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999), fused=True)
    opt_g, opt_d = adam(generator), adam(discriminator)
    pairs = torch.randint(0, 256, (PAIRS, 6, SIZE, SIZE), dtype=torch.uint8, device=device)
    G, D = (torch.compile(generator), torch.compile(discriminator)) if args.compile else (generator, discriminator)
    cast = torch.autocast(device.type, torch.bfloat16, enabled=args.amp)

    def cross_entropy(logits, target):
        return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, target, dtype=torch.float))

    def play_round():
        batch = torch.stack([preprocess(pairs[random.randrange(PAIRS)]) for _ in range(args.batch)])
        given, image = batch.split(3, 1)
        with cast:
            fake = G(given)
            on_fake, on_real = D(torch.cat([given, fake.detach()], 1)), D(batch)
            d_loss = 0.5 * (cross_entropy(on_fake, 0.0) + cross_entropy(on_real, 1.0))
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
        discriminator.requires_grad_(False)
        with cast:
            l1 = F.l1_loss(fake.float(), image)
            g_loss = cross_entropy(D(torch.cat([given, fake], 1)), 1.0) + 100 * l1
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        discriminator.requires_grad_(True)

    def seconds_of(rounds):
        start = time.perf_counter()
        for _ in range(rounds):
            play_round()
        if on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - start

    first = seconds_of(1)
    seconds_of(2)
    chunk, times = max(1, int(args.seconds / 20 / seconds_of(1))), []
    while not times or sum(times) * chunk < args.seconds:
        times.append(seconds_of(chunk) / chunk)
    ms = statistics.median(times) * 1e3
    peak = torch.cuda.max_memory_allocated() if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "workload": "pix2pix256", "framework": f"torch {torch.__version__}",
        "device": torch.cuda.get_device_name() if on_gpu else f"cpu x{torch.get_num_threads()}",
        "mode": ("compile" if args.compile else "eager") + ("+bf16" if args.amp else ""), "batch": args.batch,
        "ms_per_round": round(ms, 3), "images_per_second": round(args.batch / ms * 1e3, 2),
        "peak_mb": round(peak / 1e6), "parameters": parameters, "first_round_s": round(first, 2),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("pix2pix256",), help="the workload that there is")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10, help="measuring time")
    parser.add_argument("--compile", action="store_true", help="torch.compile both networks")
    parser.add_argument("--amp", action="store_true", help="bfloat16 autocast")
    args = parser.parse_args()
    print(json.dumps(measure(args)), flush=True)


if __name__ == "__main__":
    main()
