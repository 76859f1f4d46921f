"""The random source of a conversation: one seed, one split, and the functions that choose from the word lists."""
import random
import zlib

from .words import FOREIGN_QUESTIONS, LANGUAGES, WORDS


class Generator:
    """Random choices of one seed; `held` selects the evaluation split.

    The order of the draws is part of the model's history: a change of it changes every conversation of a seed.
    """

    def __init__(self, seed, held=False):
        self.random, self.held = random.Random(seed), held

    def belongs(self, key):
        """Whether a key is in this generator's split: one key in ten is held out of training."""
        return (zlib.crc32(str(key).encode()) % 10 == 0) == self.held

    def draw(self, make, key=lambda value: value):
        """Chooses until the key is in the split, 300 times at most, because a short list may have no such word."""
        for _ in range(300):
            value = make()
            if self.belongs(key(value)):
                break
        return value

    def pick(self, *options):
        return self.random.choice(options)

    def word(self, kind):
        return self.random.choice(WORDS[kind])

    def invented(self, capital=False):
        """A word that is in no list, two to four syllables long."""
        r = self.random
        vowels = "aaeeiioouuyéöáü"
        word = "".join(
            r.choice("bcdfghjklmnpqrstvwz")
            + r.choice(vowels if r.random() < 0.2 else "aeiou")
            + (r.choice("nrlstmk") if r.random() < 0.3 else "")
            for _ in range(r.randint(2, 4))
        )
        return word.capitalize() if capital else word

    def person(self):
        return self.draw(
            lambda: self.word("name") if not self.held and self.random.random() < 0.4 else self.invented(True)
        )

    def fill(self, template):
        """Fills the {fields} of a template with words; a field is a word list's name or one of `_field`'s."""
        parts = template.replace("}", "{").split("{")
        return "".join(part if i % 2 == 0 else self._field(part) for i, part in enumerate(parts))

    def _field(self, name):
        r = self.random
        match name:
            case "n":
                return str(r.randint(2, 999))
            case "year":
                return str(r.randint(1500, 2030))
            case "pseudo":
                return self.invented()
            case "lastname":
                return self.invented(True)
            case "lang":
                return r.choice(LANGUAGES)
            case "foreign":
                return r.choice(FOREIGN_QUESTIONS)
            case "prose":
                kinds = ("common", "common", "noun", "adj", "topic")
                return " ".join(self.word(self.pick(*kinds)) for _ in range(r.randint(4, 24)))
            case _:
                return self.word(name)

    def vary(self, question, mark="?"):
        """Small variations of a text: politeness, case, end mark."""
        chance = self.random.random()
        if chance < 0.25:
            openings = ("please tell me, ", "hey, ", "quick question: ", "hello, ", "tell me: ", "so, ", "excuse me, ")
            question = self.pick(*openings) + question
        elif 0.25 < chance < 0.33:
            question += self.pick(" please", ", please", " now", " then")
        if self.random.random() < 0.6:
            question = question[0].upper() + question[1:]
        return question + (mark if self.random.random() < 0.6 else self.pick("", "", ".", "!", "?"))
