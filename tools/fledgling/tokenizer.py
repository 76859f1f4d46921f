"""Trains the byte-level BPE of the model and writes tokenizer.json.

The pre-tokenizer is the one that libllama calls `qwen2`, so the GGUF tokenizes the same way. Training is in two
phases: first merges inside plain words, numbers and punctuation only; then merges that attach a leading space, quote,
underscore or trailing newline to a piece that is already one token. So a word has the same pieces wherever it stands,
which makes copying easy for a tiny model.

Usage: python -m fledgling.tokenizer [--vocabulary 2048] [--documents 20000] [--out tokenizer.json]
"""
import argparse
import collections
import json
import re

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from . import FOLDER
from .conversation import render
from .generator import Generator
from .markers import MARKERS
from .mix import sample

QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PIECES = r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|[\r\n]+|\s"
# Share of the vocabulary that the first phase fills.
FIRST_PHASE = 0.68


def splitter(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def train(texts, size):
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = splitter(PIECES)
    trainer = trainers.BpeTrainer(
        vocab_size=int(size * FIRST_PHASE),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    state = json.loads(bpe.to_str())["model"]
    vocabulary, merges = state["vocab"], [tuple(merge) for merge in state["merges"]]
    whole = splitter(QWEN2)
    for left, right in _attachments(bpe, whole, texts):
        if len(vocabulary) + len(MARKERS) >= size:
            break
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            merges.append((left, right))
    result = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    result.pre_tokenizer, result.decoder = whole, decoders.ByteLevel()
    result.add_special_tokens([AddedToken(marker, special=True, normalized=False) for marker in MARKERS])
    return result


def _attachments(bpe, whole, texts):
    """Pairs of the second phase, the most frequent first: words that the first phase left in two tokens."""
    words = collections.Counter()
    for text in texts:
        words.update(word for word, _ in whole.pre_tokenize_str(text))
    bpe.pre_tokenizer = pre_tokenizers.Split(Regex(r"\z"), "isolated")  # the words are split already
    letter, pairs = re.compile(r"[^\W\d_]"), collections.Counter()
    for word, count in words.items():
        tokens = bpe.encode(word).tokens
        if len(tokens) != 2:
            continue
        left, right = tokens
        both_letters = letter.search(left) and letter.search(right)
        if not both_letters or left == "Ġ" or right.strip("Ċ") == "":
            pairs[left, right] += count
    return [pair for pair, _ in pairs.most_common()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=int, default=2048)
    parser.add_argument("--documents", type=int, default=20000)
    parser.add_argument("--out", default=str(FOLDER / "tokenizer.json"))
    options = parser.parse_args()
    marks = re.compile("|".join(map(re.escape, MARKERS)))
    texts = [
        text
        for i in range(options.documents)
        for segment, _ in render(sample(Generator(f"tok-{i}")))
        for text in marks.split(segment)
        if text
    ]
    tokenizer = train(texts, options.vocabulary)
    tokenizer.save(options.out)
    characters = sum(map(len, texts)) / sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts))
    print(f"vocabulary {tokenizer.get_vocab_size()}, {characters:.2f} characters per token")


if __name__ == "__main__":
    main()
