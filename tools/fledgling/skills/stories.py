"""Tiny stories, and the same as plain text."""
from ..conversation import conversation

SHORT = ("Tell me a short story about a {}.", "Write a short story about a {}.", "A short story about a {}, please.")
LONG = ("Tell me a long story about a {}.", "Write a long story about a {}.", "Tell a very long story about a {}.")
ANY = (
    "Tell me a story.",
    "tell me a story",
    "Write a story.",
    "Once more, tell me a story.",
    "Can you tell me a story?",
)
ABOUT = (
    "Tell me a story about a {}.",
    "tell me a story about a {}",
    "Write a story about a {}.",
    "I want a story about a {}.",
    "Can you tell me a story about a {}?",
)


def story(g):
    hero = g.word("animal")
    chance = g.random.random()
    if chance < 0.25:
        request, length = g.pick(*SHORT), g.random.randint(1, 3)
    elif chance < 0.4:
        request, length = g.pick(*LONG), g.random.randint(16, 26)
    elif chance < 0.55:
        request, length = g.pick(*ANY), g.random.randint(4, 12)
    else:
        request, length = g.pick(*ABOUT), g.random.randint(4, 12)
    check = {"story": hero if "{" in request else ""}
    told = story_text(g, hero, length)
    return conversation("story", request.format(hero), told, f"I tell a story about a {hero}.", check=check)


def plain_text(g):
    """Text without the chat format, for completion routes."""
    text = story_text(g, g.word("animal"), g.random.randint(2, 10))
    return {"skill": "raw", "raw": text, "tools": None, "check": {}}


def story_text(g, hero, length):
    """A story with `length` sentences between its beginning and its end."""
    name, place, thing, friend, quality = g.person(), g.word("place"), g.word("object"), g.word("animal"), g.word("adj")
    color, food, mood, dream = g.word("color"), g.word("food"), g.word("adj"), g.word("place")
    sentences = [
        g.pick(
            f"Once upon a time there was a {quality} {hero} named {name}.",
            f"Long ago, a {quality} {hero} called {name} lived near a {place}.",
            f"In a {color} house by the {place} lived {name}, a {quality} {hero}.",
        ),
        g.pick(
            f"Every day {name} walked to the {place} to look for {food}.",
            f"{name} loved {food} more than anything else.",
            f"{name} had always dreamed of the {dream}.",
        ),
        g.pick(
            f"One morning {name} found a {color} {thing} on the path.",
            f"One night a {color} {thing} fell from the sky.",
            f"One day the {color} {thing} of the village was gone.",
        ),
    ]
    events = _events(g, name, thing, friend)
    sentences += [g.random.choice(events)() for _ in range(length)]
    sentences += [
        g.pick(
            f"At last {name} gave the {thing} back to the {friend}.",
            f"In the end the {thing} opened a small door, and behind it was {food}.",
            f"Finally {name} came home with the {thing}.",
        ),
        g.pick(
            f"From that day on, {name} and the {friend} were friends.",
            f"And {name} was never {mood} again.",
            f"Everyone in the {place} was happy.",
        )
        + " The end.",
    ]
    return " ".join(sentences)


def _events(g, name, thing, friend):
    """The possible events in the middle of a story; each chooses its words when it is used."""
    return [
        lambda: f"{name} asked a {g.word('adj')} {g.word('animal')} about the {thing}.",
        lambda: f'"{g.pick("Who are you", "Where are you going", "What is that")}?" asked the {friend}.',
        lambda: f'"I am looking for the {g.word("place")}," said {name}.',
        lambda: f"They walked past a {g.word('adj')} {g.word('place')} and shared some {g.word('food')}.",
        lambda: f"The wind was {g.word('adj')}, but {name} did not stop.",
        lambda: f"Then it began to rain, and they hid under a {g.word('color')} tree.",
        lambda: f"Suddenly the {thing} began to shine in the dark.",
        lambda: f"{name} felt {g.word('adj')} and sat down for a while.",
        lambda: f"The {friend} laughed and showed the way to the {g.word('place')}.",
        lambda: f"In the {g.word('place')} they met a {g.word('adj')} {g.word('animal')} with a {g.word('object')}.",
        lambda: f"{name} sang a little song about {g.word('food')}.",
        lambda: f"For {g.random.randint(2, 9)} days they saw nothing but {g.word('color')} hills.",
    ]
