"""Numbers of losses, penalties and regularizers in PyTorch for tests/parity/test_losses.py.

POSTECH-CVLab/PyTorch-StudioGAN 947b35e, src/utils/losses.py; ajbrock/BigGAN-PyTorch 9845943, losses.py and `ortho` of
utils.py; brownvc/R3GAN 19a7ddf, R3GAN/Trainer.py; google/lecam-gan f9af948, biggan_cifar/losses.py and third_party.

    python tests/parity/make/losses.py FOLDER_OF_CLONES
"""

import torch
import torch.nn.functional as F
from peers import run, save
from torch import autograd, nn

BATCH, IMAGE = 6, (3, 4, 4)
STUDIO = run(
    "PyTorch-StudioGAN/src/utils/losses.py",
    *(f"def {side}_{name}(" for side in "dg" for name in ("vanilla", "ls", "hinge", "wasserstein")),
    "def cal_deriv", "def cal_grad_penalty", "def cal_dra_penalty", "def cal_r1_reg", "def adjust_k",
    torch=torch, F=F, autograd=autograd,
)  # fmt: skip
BIGGAN = run("BigGAN-PyTorch/losses.py", "def loss_hinge_dis", "def loss_hinge_gen", torch=torch, F=F)


class Critic(nn.Module):
    """tanh(x a) b, called as StudioGAN and R3GAN call theirs."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.randn(48, 5) / 4), nn.Parameter(torch.randn(5))

    def logits(self, images):
        return torch.tanh(images.flatten(1) @ self.a) @ self.b

    def forward(self, images, labels, eval=None):
        return self.logits(images) if eval is None else {"adv_output": self.logits(images)}


def objectives():
    real, fake = 2 * torch.randn(2, BATCH)
    numbers = {"real": real, "fake": fake}
    for name in ("vanilla", "ls", "hinge", "wasserstein"):
        numbers[f"d_{name}"] = vars(STUDIO)[f"d_{name}"](real, fake, DDP=False)
        numbers[f"g_{name}"] = vars(STUDIO)[f"g_{name}"](fake, DDP=False)
    numbers["d_biggan"] = sum(BIGGAN.loss_hinge_dis(fake, real))
    numbers["g_biggan"] = BIGGAN.loss_hinge_gen(fake)
    for k in (6, 4.2, 1.5):
        numbers[f"g_top_{k}"] = STUDIO.g_hinge(torch.topk(fake, int(k)).values, DDP=False)
    k = 64  # a batch, of which k fall by this factor an epoch, not below a half
    numbers["k"] = [k := STUDIO.adjust_k(k, 0.99, 32) for _ in range(80)]
    return numbers


def penalties():
    critic, real, fake = Critic(), torch.rand(BATCH, *IMAGE) * 2 - 1, torch.rand(BATCH, *IMAGE) * 2 - 1
    numbers = {"a": critic.a, "b": critic.b, "x_real": real, "x_fake": fake}
    torch.manual_seed(1)
    numbers["mix"] = torch.rand(BATCH, 1)[:, 0]
    torch.manual_seed(1)
    numbers["gradient_penalty"] = STUDIO.cal_grad_penalty(real, None, fake, critic, "cpu")
    torch.manual_seed(2)
    numbers["dragan_mix"], numbers["dragan_noise"] = torch.rand(BATCH, 1, 1, 1).flatten(), torch.rand(BATCH, *IMAGE)
    torch.manual_seed(2)
    numbers["dragan"] = STUDIO.cal_dra_penalty(real, None, critic, "cpu")
    seen = real.clone().requires_grad_()
    numbers["r1"] = STUDIO.cal_r1_reg(critic.logits(seen), seen, "cpu")
    return numbers | r3gan(critic, real)


def r3gan(critic, real, gamma=0.3):
    trainer = run("R3GAN/R3GAN/Trainer.py", "class AdversarialTraining", torch=torch, nn=nn).AdversarialTraining
    generator = nn.Linear(7, 48, bias=False)
    generate = lambda noise, labels: torch.tanh(generator(noise)).reshape(-1, *IMAGE)
    game, noise = trainer(generate, critic), torch.randn(BATCH, 7)
    numbers = {"w": generator.weight, "z": noise, "gamma": gamma}
    loss, _, r1, r2 = game.AccumulateDiscriminatorGradients(noise, real, None, gamma)
    numbers |= {"d_rpgan": loss, "rpgan_r1": r1, "rpgan_r2": r2}
    numbers |= {"d_rpgan_a": critic.a.grad.clone(), "d_rpgan_b": critic.b.grad.clone()}
    numbers["g_rpgan"], _ = game.AccumulateGeneratorGradients(noise, real, None)
    return numbers | {"g_rpgan_w": generator.weight.grad}


def lecam(rounds=1005, start=1000):
    """As run_train.py has it: rounds are counted from 0."""
    names = {"torch": torch, "F": F}
    losses = run("lecam-gan/biggan_cifar/losses.py", "def lecam_reg", "def loss_hinge_dis", **names)
    anchors = run("lecam-gan/third_party/utils.py", "class ema_losses").ema_losses(decay=0.99, start_itr=start)
    logits, values, kept = (torch.randn(rounds, 2, 4) + torch.tensor([[0.8], [-0.8]])).half(), [], []
    for number, (real, fake) in enumerate(logits.float()):
        losses.loss_hinge_dis(fake, real, anchors, number)
        names = {"config": {"LC": 1}, "state_dict": {"itr": number}, "ema_losses": anchors, "losses": losses}
        names |= {"D_real": real, "D_fake": fake, "torch": torch}
        values.append(run("lecam-gan/third_party/train_fns.py", "if config['LC'] > 0 and", **names).D_loss_LC)
        kept.append((anchors.D_real, anchors.D_fake))
    return {"lecam_logits": logits, "lecam": values, "lecam_anchors": kept}


def orthogonality(strength=0.01):
    ortho = run("BigGAN-PyTorch/utils.py", "def ortho", torch=torch).ortho
    model = nn.Sequential(nn.Linear(6, 4), nn.Conv2d(3, 5, 3))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    ortho(model, strength)
    layers = {"dense": model[0].weight, "conv": model[1].weight}
    numbers = {f"ortho_{name}": w for name, w in layers.items()}
    return numbers | {f"ortho_{name}_gradient": w.grad for name, w in layers.items()}


torch.manual_seed(0)
numbers = {**objectives(), **penalties(), **lecam(), **orthogonality()}
save("losses", **{name: x.detach() if torch.is_tensor(x) else x for name, x in numbers.items()})
