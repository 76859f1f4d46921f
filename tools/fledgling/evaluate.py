"""Measures a GGUF of the model on held-out prompts, with greedy decoding through llama-cpp-python.

Modes: `think` is the default, `plain` switches reasoning off, `cut` ends it by force at a random token.

Usage: python -m fledgling.evaluate MODEL.gguf [--count 50] [--skills copy count ...] [--show]
       python -m fledgling.evaluate MODEL.gguf --ask "What is 12 + 30?"
"""
import argparse
import random

from .conversation import conversation
from .generator import Generator
from .judge import is_right, split_reasoning
from .mix import make
from .offscript import OFFSCRIPT
from .phrases import FALLBACK_START
from .runner import Runner
from .skills.history import earlier_turns

SKILLS = ["faq", "fallback", "offscript", "copy", "count", "sum", "recall", "json", "tools", "story", "ponder"]
MODES = ["think", "plain", "cut"]


def held_out(skill, i):
    """Prompt number i of a skill, from the held-out split; one in four has earlier turns."""
    if skill == "offscript":
        question = OFFSCRIPT[i % len(OFFSCRIPT)]
        return conversation("fallback", question, "", "", check={"starts": FALLBACK_START})
    g = Generator(f"eval-{skill}-{i}", held=True)
    prompt = make(g, skill)
    if skill == "count":
        numbers = prompt["check"]["equals"].count(",") + 1
        prompt["kind"] = "to 20" if numbers <= 20 else "to 100" if numbers <= 100 else "to 300"
    if i % 4 == 3:
        prompt["messages"] = earlier_turns(g, 2) + prompt["messages"]
    return prompt


def answer_text(runner, prompt, mode, seed):
    tools = prompt["tools"] and prompt["tools"]["list"]
    ids = runner.ids(runner.prompt(prompt["messages"][:-1], tools, mode != "plain"))
    if mode != "cut":
        return runner.text(runner.greedy(ids))
    reasoning = runner.greedy(ids, stop=runner.ids("</think>"))
    r = random.Random(seed)
    part = reasoning[: r.randint(1, max(1, len(reasoning) - 1))]
    forced = part + runner.ids(r.choice(["</think>", "\n</think>", "\n</think>\n\n"]))
    return runner.text(forced + runner.greedy(ids + forced))


def measure(runner, skill, count, mode, show):
    """Prints the share of held-out prompts with a correct answer, by kind of prompt."""
    kinds, lengths = {}, []
    for i in range(count):
        prompt = held_out(skill, i)
        text = answer_text(runner, prompt, mode, i)
        reasoning, answer = split_reasoning(text)
        right = is_right(prompt, answer) and (mode == "plain" or reasoning is not None)
        kinds.setdefault(prompt.get("kind", ""), []).append(right)
        if mode == "think" and reasoning:
            lengths.append(len(runner.ids(reasoning)))
        if show and not right:
            asked = prompt["messages"][-2]["content"]
            print(f"--- {skill} {mode}\n{asked!r}\n got {text[-300:]!r}\nwant {prompt['check']!r}")
    right = sum(map(sum, kinds.values()))
    notes = ", ".join(f"{kind} {sum(found)}/{len(found)}" for kind, found in sorted(kinds.items()) if kind)
    if skill == "ponder" and lengths:
        notes = f"reasoning of {min(lengths)} to {max(lengths)} tokens"
    print(f"{skill:9} {mode:5} {right:4}/{count} {100 * right / count:5.1f} %  {notes}".rstrip(), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--skills", nargs="+", default=SKILLS, choices=SKILLS)
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--show", action="store_true", help="print failures")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ask", help="print the answer to one user message and exit")
    options = parser.parse_args()
    runner = Runner(options.gguf, options.threads)
    if options.ask:
        print(runner.text(runner.greedy(runner.ids(runner.prompt([{"role": "user", "content": options.ask}])))))
        return
    for skill in options.skills:
        for mode in options.modes:
            measure(runner, skill, options.count, mode, options.show)
    print(f"{runner.tokens} tokens, {runner.tokens / runner.seconds:.0f} per second")


if __name__ == "__main__":
    main()
