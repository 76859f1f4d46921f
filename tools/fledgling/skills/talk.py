"""Greetings, questions about the model, and a fixed refusal of everything else."""
from ..conversation import conversation
from ..phrases import FALLBACK, FALLBACK_START, FAQ, UNKNOWN_QUESTIONS

REFUSAL_REASONING = "This is not one of my skills, so I say that I do not know it."
QUESTION_WORDS = ("what", "who", "how", "are", "can", "do", "which", "why", "is", "what's", "your")


def faq(g):
    def make():
        forms, answer = g.random.choice(FAQ[:4] if g.random.random() < 0.15 else FAQ)
        question = g.random.choice(forms.split("|"))
        return g.vary(question, "?" if question.split()[0] in QUESTION_WORDS else "."), answer

    question, answer = g.draw(make, lambda pair: pair[0])
    return conversation("faq", question, answer, "I know the answer to this one.")


def fallback(g):
    question = g.draw(lambda: g.vary(g.fill(g.random.choice(UNKNOWN_QUESTIONS))))
    return refusal("fallback", question)


def refusal(skill, question, reasoning=REFUSAL_REASONING):
    return conversation(skill, question, FALLBACK, reasoning, check={"starts": FALLBACK_START})
