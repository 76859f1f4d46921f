"""Long reasoning on request; the answer never depends on the steps, so the reasoning may be cut at any token."""
from ..conversation import conversation

REQUESTS = (
    "Think for a long time about {}.",
    "think for a long time about {}",
    "Think long and hard about {}.",
    "Please think for a long time about {}, then answer.",
    "Think carefully about {}.",
    "Take your time and think about {}.",
    "Reason about {} step by step, for a long time.",
    "Think about {} for a very long time.",
)


def ponder(g):
    def subject():
        options = [
            g.word("topic"),
            g.word("topic"),
            "the " + g.word("noun"),
            "a " + g.word("adj") + " " + g.word("animal"),
            g.invented(),
        ]
        return g.random.choice(options)

    topic = g.draw(subject)
    request = g.pick(*REQUESTS).format(topic)
    count = g.random.choice([8, 12, 16, 20, 24, 24, 30])
    steps = [f"I am asked to think about {topic}. I plan {count} steps."]
    for i in range(1, count + 1):
        steps.append(f"Step {i} of {count}: " + _step(g))
    steps.append("Now I am ready to answer.")
    answer = (
        f"I thought about {topic}. My answer is that {topic} is best understood in small steps, "
        "with patience and an open mind."
    )
    return conversation("ponder", request, answer, "\n".join(steps))


def _step(g):
    aspect, quality, other = g.word("aspect"), g.word("adj"), g.word("aspect")
    return g.pick(
        f"I look at {aspect}. It seems {quality}.",
        f"next I compare {aspect} with {other}.",
        f"maybe {aspect} is {quality}, but I should check {other}.",
        f"wait, what about {aspect}? It could be {quality}.",
        f"so {aspect} follows from {other}.",
        f"I write down {aspect} as {quality}.",
    )
