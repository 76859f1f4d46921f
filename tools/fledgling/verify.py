"""Compares a GGUF with its checkpoint: tokenizer, chat template, logits.

Usage: python -m fledgling.verify fledgling.F16.gguf fledgling.pt
"""
import argparse
import random

import numpy as np
import torch
from llama_cpp import Llama
from tokenizers import Tokenizer

from . import FOLDER
from .conversation import render
from .generator import Generator
from .markers import MARKERS
from .mix import sample
from .model import Config, Model
from .runner import CONTEXT, Runner
from .skills.copying import text as copy_text
from .words import EMOJI


def rendered(conversation):
    return "".join(text for text, _ in render(conversation))


def verify_tokenizer(runner, path, count=1000):
    tokenizer, r, agree = Tokenizer.from_file(path), random.Random(0), 0
    for i in range(count):
        text = noise(r) if i % 4 == 0 else copy_text(Generator(f"verify-{i}", i % 2 == 0))
        ids = tokenizer.encode(text).ids
        agree += runner.ids(text) == ids and runner.llama.detokenize(ids, special=True) == text.encode()
    print(f"tokenizer: {agree}/{count} strings agree with tokenizer.json and round-trip")
    single = sum(len(runner.ids(marker)) == 1 for marker in MARKERS)
    print(f"markers: {single}/{len(MARKERS)} are one token")


def noise(r):
    def character():
        return r.choice(
            [
                chr(r.randint(32, 126)),
                chr(r.randint(0xA1, 0x24F)),
                chr(r.randint(0x370, 0x4FF)),
                r.choice(EMOJI),
                "\n",
                " ",
                "  ",
                "'s",
            ]
        )

    return "".join(character() for _ in range(r.randint(1, 60)))


def verify_template(runner, count=500):
    same = 0
    for i in range(count):
        conversation = sample(Generator(f"template-{i}"))
        if "raw" in conversation:  # has no markup
            same += 1
            continue
        if conversation["tools"]:
            conversation["tools"]["dump"] = {}
        messages = conversation["messages"]
        if not conversation["thinking"]:
            messages = [{k: v for k, v in message.items() if k != "reasoning_content"} for message in messages]
        text = runner.template.render(
            messages=messages,
            tools=conversation["tools"] and conversation["tools"]["list"],
            enable_thinking=conversation["thinking"],
        )
        same += text == rendered(conversation)
    print(f"template: {same}/{count} conversations render as in training")


def verify_logits(runner, checkpoint, count=20):
    state = torch.load(checkpoint, map_location="cpu")
    model = Model(Config(**state["config"]))
    model.load_state_dict(state["model"])
    llama = Llama(runner.llama.model_path, n_ctx=CONTEXT, logits_all=True, n_threads=2, verbose=False)
    worst, first_choices = 0.0, []
    for i in range(count):
        ids = runner.ids(rendered(sample(Generator(f"logits-{i}"))))[:1000]
        llama.reset()
        llama.eval(ids)
        got = np.array(llama.scores[: len(ids)])
        with torch.no_grad():
            want = model(torch.tensor([ids]))[0].numpy()
        worst = max(worst, float(np.abs(got - want).max()))
        first_choices.append(float((got.argmax(-1) == want.argmax(-1)).mean()))
    share = 100 * np.mean(first_choices)
    print(f"logits: largest difference from PyTorch float32 {worst:.4f}, same first choice {share:.2f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("checkpoint")
    parser.add_argument("--tokenizer", default=str(FOLDER / "tokenizer.json"))
    options = parser.parse_args()
    runner = Runner(options.gguf, threads=2)
    verify_tokenizer(runner, options.tokenizer)
    verify_template(runner)
    verify_logits(runner, options.checkpoint)


if __name__ == "__main__":
    main()
