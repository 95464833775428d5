"""pix2pix in eager PyTorch: the peer of `pix2pix.py` beside it, on the same workload. It needs torch alone.

    python benchmarks/pix2pix_torch.py [--size=256] [--width=64] [--batch=1] [--seconds=10] [--threads=N]
        [--device=cpu|cuda] [--compile] [--amp]

The networks are those of the paper's authors in PyTorch (at 64 channels and 256 pixels of 54,413,955 and 2,768,705
parameters), weights ~ N(0, 0.02):
    generator       U-Net, log2(size) conv4 s2 down, as many convT4 s2 up, channels 64-128-256-512-512-...; LeakyReLU .2
                    down, ReLU up, BatchNorm2d in training mode in all layers but the first, the deepest and the last;
                    dropout .5 after the log2(size) - 5 layers that follow the first one up; tanh
    discriminator   70-pixel PatchGAN of input and image: conv4 s2 64, s2 128 BN, s2 256 BN, s1 512 BN, s1 1;
                    LeakyReLU .2
A round is theirs too: a pair, enlarged to size * 286 / 256 by bicubic interpolation, a window of it, flipped half of
the time; one pass of G, which both updates use; D's update on (BCE(D(real), 1) + BCE(D(fake), 0)) / 2; G's on
BCE(D(fake), 1) + 100 L1. Adam(2e-4, .5, .999), fused. The pairs are random uint8 that lie on the device.

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

PAIRS = 100  # in memory


class UNet(nn.Module):
    def __init__(self, width: int, depth: int):
        super().__init__()
        channels = [width * min(2**level, 8) for level in range(depth)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, (c_in, c) in enumerate(zip([3, *channels], channels, strict=False)):
            layers = [nn.LeakyReLU(0.2)] if level else []
            layers.append(nn.Conv2d(c_in, c, 4, 2, 1, bias=False))
            self.down.append(nn.Sequential(*layers, *([nn.BatchNorm2d(c)] if 0 < level < depth - 1 else [])))
        for level in reversed(range(depth - 1)):
            c_in, c = channels[level + 1] * (1 if level == depth - 2 else 2), channels[level]
            layers = [nn.ReLU(), nn.ConvTranspose2d(c_in, c, 4, 2, 1, bias=False), nn.BatchNorm2d(c)]
            self.up.append(nn.Sequential(*layers, *([nn.Dropout(0.5)] if 3 <= level < depth - 2 else [])))
        self.last = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * width, 3, 4, 2, 1), nn.Tanh())

    def forward(self, x):
        maps = []
        for layer in self.down:
            x = layer(x)
            maps.append(x)
        maps.pop()
        for layer in self.up:
            x = torch.cat([maps.pop(), layer(x)], 1)
        return self.last(x)


def patch_gan(width: int) -> nn.Module:
    layers = [nn.Conv2d(6, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for i, o, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
        layers += [nn.Conv2d(i * width, o * width, 4, stride, 1, bias=False), nn.BatchNorm2d(o * width)]
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))


def init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def view(pair: torch.Tensor, size: int) -> torch.Tensor:
    """uint8 [6, H, W], input and image -> float in [-1, 1], a window of the enlarged pair, perhaps mirrored."""
    jitter = round(size * 286 / 256)
    x = F.interpolate(pair[None].float() / 127.5 - 1, (jitter, jitter), mode="bicubic").clamp(-1, 1)[0]
    top, left = random.randint(0, jitter - size), random.randint(0, jitter - size)
    x = x[:, top : top + size, left : left + size]
    return x.flip(2) if random.random() < 0.5 else x


def measure(args) -> dict:
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    on_gpu = device.type == "cuda"
    torch.backends.cudnn.benchmark = True
    generator = UNet(args.width, args.size.bit_length() - 1).apply(init_weights).to(device)
    discriminator = patch_gan(args.width).apply(init_weights).to(device)
    parameters = [sum(p.numel() for p in net.parameters()) for net in (generator, discriminator)]
    adam = lambda net: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999), fused=True)
    opt_g, opt_d = adam(generator), adam(discriminator)
    pairs = torch.randint(0, 256, (PAIRS, 6, args.size, args.size), dtype=torch.uint8, device=device)
    G, D = (torch.compile(generator), torch.compile(discriminator)) if args.compile else (generator, discriminator)
    cast = torch.autocast(device.type, torch.bfloat16, enabled=args.amp)

    def cross_entropy(logits, target):
        return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, target, dtype=torch.float))

    def play_round():
        batch = torch.stack([view(pairs[random.randrange(PAIRS)], args.size) for _ in range(args.batch)])
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
        "workload": f"pix2pix{args.size}", "framework": "torch", "version": torch.__version__,
        "device": torch.cuda.get_device_name() if on_gpu else f"cpu x{torch.get_num_threads()}",
        "mode": ("compile" if args.compile else "eager") + ("+bf16" if args.amp else ""), "batch": args.batch,
        "width": args.width, "ms_per_round": round(ms, 3), "images_per_second": round(args.batch / ms * 1e3, 2),
        "peak_mb": round(peak / 1e6), "parameters": parameters, "first_round_s": round(first, 2),
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="pixels, a power of 2")
    parser.add_argument("--width", type=int, default=64, help="channels of the networks' first layers")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10, help="measuring time")
    parser.add_argument("--threads", type=int, help="of a CPU (default: torch's own choice)")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: a GPU if there is one")
    parser.add_argument("--compile", action="store_true", help="torch.compile both networks")
    parser.add_argument("--amp", action="store_true", help="bfloat16 autocast")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    print(json.dumps(measure(args)), flush=True)


if __name__ == "__main__":
    main()
