"""The mix of the training data: skills by their share, some with earlier turns or a system prompt."""
from .skills.copying import copy
from .skills.history import earlier_turns
from .skills.numbers import add, count
from .skills.objects import json_object
from .skills.pondering import ponder
from .skills.remembering import recall
from .skills.stories import plain_text, story
from .skills.talk import fallback, faq
from .skills.tools import tools
from .words import SYSTEM_PROMPTS

# Skill and share, in per cent; the hard ones (counting, sums) are over-represented.
SKILLS = {
    "faq": (faq, 9),
    "fallback": (fallback, 10),
    "copy": (copy, 8),
    "count": (count, 18),
    "sum": (add, 20),
    "ponder": (ponder, 2),
    "recall": (recall, 12),
    "json": (json_object, 8),
    "tools": (tools, 24),
    "story": (story, 2),
    "raw": (plain_text, 0.5),
}


def make(g, skill):
    """A conversation of one skill, without earlier turns."""
    return SKILLS[skill][0](g)


def sample(g, skill=None):
    """A conversation of the training data, of a random skill unless a skill is named."""
    r = g.random
    skill = skill or r.choices(list(SKILLS), [share for _, share in SKILLS.values()])[0]
    result = make(g, skill)
    result["thinking"] = r.random() < (0.85 if skill in ("ponder", "sum") else 0.5)
    result["cut"] = result["thinking"] and r.random() < (0.5 if skill == "ponder" else 0.2)
    if skill == "raw":
        return result
    if r.random() < 0.15:
        result["messages"] = earlier_turns(g, r.choice([1, 1, 2, 3])) + result["messages"]
    if r.random() < 0.25:
        result["messages"] = [{"role": "system", "content": r.choice(SYSTEM_PROMPTS)}] + result["messages"]
    return result
