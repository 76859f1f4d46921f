"""Trains the model from scratch on generated conversations.

Hidden matrices are updated with Muon, everything else with AdamW. Running the same command again resumes from --out;
SIGTERM saves and stops. To train a finished checkpoint further, give a longer --minutes or --steps.

Usage: python -m fledgling.train --preset tiny --minutes 60         (CPU)
       python -m fledgling.train --preset base --steps 20000        (one GPU)
"""
import argparse
import os
import signal
import time
from dataclasses import asdict

import torch
import torch.nn.functional as F

from . import FOLDER
from .data import Steps
from .model import Config, Model
from .muon import Muon

PRESETS = {  # model, tokens per step, tokens per micro-batch
    "tiny": (Config(), 4096, 1536),
    "base": (Config(width=256, layers=8, heads=4, hidden=768), 65536, 16384),
}
SAVE_SECONDS = 120


class Run:
    """A training run: the model, its optimizers, and its progress."""

    def __init__(self, options):
        self.options = options
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        config, self.tokens, self.micro = PRESETS[options.preset]
        self.model = Model(config).to(self.device)
        matrices = [weight for weight in self.model.blocks.parameters() if weight.ndim == 2]
        embedding = self.model.embed.weight
        rest = [weight for weight in self.model.parameters() if weight.ndim != 2 or weight is embedding]
        self.rates = (options.lr, options.lr / 5)
        self.optimizers = [
            Muon(matrices, lr=self.rates[0]),
            torch.optim.AdamW(rest, lr=self.rates[1], betas=(0.9, 0.98), weight_decay=0),
        ]
        self.step, self.seconds, self.seen = 0, 0.0, 0
        if os.path.exists(options.out):
            self._load()

    def _load(self):
        state = torch.load(self.options.out, map_location=self.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["opts"]):
            optimizer.load_state_dict(saved)
        self.step, self.seconds, self.seen = state["step"], state["spent"], state["seen"]

    def save(self):
        state = {
            "config": asdict(self.model.config),
            "model": self.model.state_dict(),
            "opts": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "spent": self.seconds,
            "seen": self.seen,
        }
        torch.save(state, self.options.out + ".new")
        os.replace(self.options.out + ".new", self.options.out)

    def batches(self):
        workers = self.options.workers
        if workers is None:
            workers = 12 if self.device == "cuda" else 0
        return torch.utils.data.DataLoader(
            Steps(self.options.tokenizer, self.options.seed, self.tokens, self.micro),
            batch_size=None,
            sampler=range(self.step, 1 << 40),
            num_workers=workers,
            prefetch_factor=8 if workers else None,
        )

    def share_done(self):
        """The completed share of the schedule, 0 to 1; it determines the learning rate."""
        steps, minutes = self.options.steps, self.options.minutes
        return max(self.step / steps if steps else 0, self.seconds / 60 / minutes if minutes else 0)

    def learn(self, batches, done):
        """Runs one step. Returns its mean loss per trained token."""
        scale = min(1, (self.step + 1) / 50) * min(1, (1 - done) / 0.6)  # warm up, hold, then go to zero
        count = sum(float(weights.sum()) for _, _, weights in batches)
        total = 0.0
        for ids, labels, weights in batches:
            ids, labels, weights = ids.to(self.device), labels.to(self.device), weights.to(self.device)
            where = weights > 0
            with torch.autocast(self.device, torch.bfloat16):
                logits = self.model(ids, where)
            losses = F.cross_entropy(logits.float(), labels[where], reduction="none") * weights[where]
            loss = losses.sum() / count
            loss.backward()
            # On a GPU the sum stays there: fetching it would wait for the device at each micro-batch.
            total += float(loss.detach()) if self.device == "cpu" else loss.detach()
            self.seen += ids.numel()
        for optimizer, rate in zip(self.optimizers, self.rates):
            optimizer.param_groups[0]["lr"] = rate * scale
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        return total

    def train(self):
        stop = []
        signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
        mean, seen_before = None, self.seen
        began = clock = saved = time.time()
        for batches in self.batches():
            done = self.share_done()
            if done >= 1 or stop:
                break
            loss = self.learn(batches, done)
            now = time.time()
            self.seconds, clock = self.seconds + now - clock, now
            if self.step % 20 == 0:
                loss = float(loss)
                mean = loss if mean is None else 0.8 * mean + 0.2 * loss
                rate = (self.seen - seen_before) / (now - began)
                print(
                    f"step {self.step} done {done:.3f} loss {loss:.3f} mean {mean:.3f} "
                    f"tokens {self.seen / 1e6:.2f}M {rate:.0f}/s",
                    flush=True,
                )
            if now - saved > SAVE_SECONDS:
                self.save()
                saved = time.time()
        self.save()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument("--steps", type=int, default=0, help="length of the schedule in steps")
    parser.add_argument(
        "--minutes", type=float, default=0, help="length of the schedule in minutes of training, over all resumes"
    )
    parser.add_argument("--lr", type=float, default=0.02, help="Muon's learning rate; AdamW uses a fifth of it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--workers", type=int, help="data processes (default: none on a CPU, else 12)")
    parser.add_argument("--tokenizer", default=str(FOLDER / "tokenizer.json"))
    parser.add_argument("--out", default="fledgling.pt")
    options = parser.parse_args()
    if not options.steps and not options.minutes:
        parser.error("give the length of the schedule: --steps or --minutes")
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    run = Run(options)
    size = sum(weight.numel() for weight in run.model.parameters()) / 1e6
    print(f"{run.device}, {size:.2f}M parameters, from step {run.step}", flush=True)
    run.train()


if __name__ == "__main__":
    main()
