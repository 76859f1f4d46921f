"""Facts of an earlier message of the chat."""
from ..conversation import conversation
from .history import earlier_turns


def recall(g):
    sources = {
        "name": g.person,
        "favorite color": lambda: g.word("color"),
        "favorite food": lambda: g.word("food"),
        "favorite animal": lambda: g.word("animal"),
        "city": lambda: g.word("city"),
        "code word": g.invented,
        "lucky number": lambda: str(g.random.randint(2, 99)),
        "age": lambda: str(g.random.randint(5, 99)),
        "cat's name": g.person,
        "dog's name": g.person,
        "job": lambda: g.pick("baker", "pilot", "teacher", "doctor", "farmer", "writer"),
    }
    facts = [
        (kind, g.draw(value, lambda drawn: kind + drawn))
        for kind, value in g.random.sample(list(sources.items()), g.random.choice([1, 1, 2, 3]))
    ]
    kind, value = g.random.choice(facts)
    questions = (f"What is my {kind}?", f"what is my {kind}", f"Do you remember my {kind}?", f"Tell me my {kind}.")
    question, answer = g.pick(*questions), f"Your {kind} is {value}."
    reasoning = f"I look for the {kind} in our chat. It is {value}."
    mode = g.random.random()
    if mode < 0.12:  # only the acknowledgement
        return conversation("recall", *_tell(g, kind, value), "I take note of this fact.")
    if mode < 0.2:  # the fact was never given
        kind = g.random.choice([other for other in sources if other not in dict(facts)])
        question, answer = f"What is my {kind}?", f"You have not told me your {kind} yet."
        reasoning = f"I look for the {kind} in our chat. It is not there."
    if mode > 0.85:  # facts and question in one message
        told = " ".join(_tell(g, *fact)[0].rstrip(".") + "." for fact in facts)
        return conversation("recall", told + " " + question, answer, reasoning)
    history = []
    for fact in facts:
        told, acknowledged = _tell(g, *fact)
        history += [{"role": "user", "content": told}, {"role": "assistant", "content": acknowledged}]
        history += earlier_turns(g, g.pick(0, 0, 1))
    return conversation("recall", question, answer, reasoning, history=history)


def _tell(g, kind, value):
    """A user's message with a fact, and the model's reply."""
    if kind == "name":
        ways = (
            f"My name is {value}.",
            f"my name is {value}",
            f"I am {value}.",
            f"Hi, my name is {value}.",
            f"Call me {value}.",
        )
        return g.pick(*ways), f"Nice to meet you, {value}!"
    ways = (f"My {kind} is {value}.", f"my {kind} is {value}", f"Please remember that my {kind} is {value}.")
    return g.pick(*ways), f"Okay, I will remember that your {kind} is {value}."
