"""Training data, generated during training from (seed, step) only, so a run can be resumed at any step.

Conversations are never packed: those of one step are sorted by length and cut into padded micro-batches, so attention
never crosses conversations.
"""
import random

import torch
from tokenizers import Tokenizer

from .conversation import render
from .generator import Generator
from .mix import sample
from .words import WORDS

LONGEST = 1536
# The first steps have short texts and many drills.
WARM_STEPS, WARM_LONGEST = 900, 320
# Stories and long reasoning are mostly free choices, so a token teaches little.
FREE_SKILLS, FREE_WEIGHT = ("story", "ponder", "raw"), 0.25


class Steps(torch.utils.data.Dataset):
    """Item i is the list of micro-batches of training step i, each (ids, next ids, weights)."""

    def __init__(self, tokenizer, seed, tokens, micro):
        """`tokens` per step and `micro` tokens per micro-batch, padding included in the latter only."""
        self.tokenizer, self.seed, self.tokens, self.micro = Tokenizer.from_file(tokenizer), seed, tokens, micro
        self.end_of_thinking = self.tokenizer.token_to_id("</think>")
        self.ordinary = self.tokenizer.token_to_id("<|endoftext|>")

    def __len__(self):
        return 1 << 40

    def __getitem__(self, step):
        documents, size, number = [], 0, 0
        while size < self.tokens:
            key = f"{self.seed}-{step}-{number}"
            r = random.Random("r" + key)  # independent of the generator's
            if r.random() < (0.3 if step < WARM_STEPS else 0.03):
                ids, weights = self._drill(r)
            else:
                ids, weights = self._document(sample(Generator(key)), r)
            number += 1
            if step < WARM_STEPS and len(ids) > WARM_LONGEST:
                continue
            documents.append((ids, weights))
            size += len(ids)
        return [_padded(rows) for rows in self._batches(documents)]

    def _document(self, conversation, r):
        ids, weights = [], []
        weight = FREE_WEIGHT if conversation["skill"] in FREE_SKILLS else 1.0
        for text, kind in render(conversation):
            part = self.tokenizer.encode(text).ids
            if kind == "think" and conversation["cut"]:
                part, kind = self._cut(part, r), ""
            ids += part
            weights += [weight if kind else 0.0] * len(part)
        return ids[:LONGEST], weights[:LONGEST]

    def _cut(self, reasoning, r):
        """Reasoning that is cut at a random token; only the answer after it is trained."""
        words = " ".join(r.choices(WORDS["common"], k=r.randint(2, 12)))
        end = r.choice(["", "", "\n", "\n", "\n\n", f"\n\n{words.capitalize()}.\n"])
        kept = reasoning[: r.randint(1, len(reasoning) - 1)]
        return kept + self.tokenizer.encode(end).ids + [self.end_of_thinking]

    def _drill(self, r):
        """Random tokens, repeated once: teaches copying early, because most skills need it."""
        ids = [r.randrange(self.ordinary) for _ in range(r.randint(4, 40))]
        return ids + ids, [0.0] * len(ids) + [1.0] * len(ids)

    def _batches(self, documents):
        documents.sort(key=lambda document: len(document[0]))
        batches, rows = [], []
        for document in documents:
            if rows and len(document[0]) * (len(rows) + 1) > self.micro:
                batches.append(rows)
                rows = []
            rows.append(document)
        return batches + [rows]


def _padded(rows):
    width = len(rows[-1][0])
    ids = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in rows])
    weights = torch.tensor([weights + [0.0] * (width - len(weights)) for _, weights in rows])
    return ids[:, :-1], ids[:, 1:], weights[:, 1:]
