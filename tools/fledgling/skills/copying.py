"""Exact repetition of a text, in any alphabet."""
from ..conversation import conversation
from ..words import ALPHABETS, EMOJI

REQUESTS = (
    "Repeat after me: {}",
    "Repeat after me: {}",
    "repeat after me: {}",
    "Say exactly: {}",
    "Echo: {}",
    "Please repeat: {}",
    "Repeat this: {}",
    "Repeat exactly this text: {}",
    "Repeat after me:\n{}",
    "Repeat this text:\n{}",
    "Echo this line:\n{}",
    'Say "{}"',
    'Repeat "{}"',
    'Please say "{}"',
    "Copy this: {}",
    "Write exactly: {}",
    "say: {}",
    "Say {}",
    "Reply only with {}",
    "Just say {}",
    "Answer with exactly: {}",
    "Reply with: {}",
)


def text(g):
    """A string to copy: words, names, numbers, emoji, many alphabets."""
    r, pieces = g.random, []
    style = r.random()
    for _ in range(r.choice([1, 1, 2, 3, 3, 4, 5, 6, 8, 10, 12])):
        chance = r.random()
        if style < 0.15 or chance < 0.4:
            pieces.append(g.word(g.pick("common", "noun", "animal", "adj", "food", "topic")))
        elif chance < 0.55:
            pieces.append(g.invented(r.random() < 0.4))
        elif chance < 0.68:
            pieces.append("".join(r.choice(EMOJI) for _ in range(r.randint(1, 3))))
        elif chance < 0.75:
            pieces.append(str(r.randint(0, 10 ** r.randint(1, 6))))
        else:
            letters = r.choice(ALPHABETS)
            pieces.append("".join(r.choice(letters) for _ in range(r.randint(1, 6))))
    result = r.choice([" "] * 6 + [", ", "-", ""]).join(pieces).strip()
    if r.random() < 0.3:
        result = result[0].upper() + result[1:] + r.choice(".!?")
    ambiguous = not result or result[0] in "\"'" or result.startswith(("<|", "<th", "</t", "<to"))
    return text(g) if ambiguous else result


def copy(g):
    wanted = g.draw(lambda: text(g))
    return conversation("copy", g.pick(*REQUESTS).format(wanted), wanted, "I repeat the text exactly.")
