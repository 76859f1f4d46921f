"""The recipe must keep generating the training data of the shipped model, and the template must render it the same."""
import hashlib
import json
import unittest

from jinja2 import Environment

from .. import FOLDER
from ..conversation import render
from ..evaluate import SKILLS, held_out
from ..generator import Generator
from ..judge import is_right, split_reasoning
from ..markers import MARKERS
from ..mix import sample

# SHA-256 over the first thousand conversations of each split, as in the training of the shipped model.
DIGESTS = {
    False: "925c9d74d8bd5f3169e387be6af61efd12d7f3613afb2e6396f50ddff7d6aafb",
    True: "7682cbec33c6cf13165eb062572af7290c333b0a0c88018b5b52f00fd69aa6f3",
}


def digest(held, count=1000):
    result = hashlib.sha256()
    for i in range(count):
        conversation = sample(Generator(f"digest-{i}", held))
        result.update(json.dumps([render(conversation), conversation["check"]], ensure_ascii=False).encode())
    return result.hexdigest()


class RecipeTests(unittest.TestCase):
    def test_a_seed_makes_the_same_conversations_for_ever(self):
        for held, expected in DIGESTS.items():
            with self.subTest(held=held):
                self.assertEqual(digest(held), expected)

    def test_the_template_prints_what_was_trained(self):
        environment = Environment()
        environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        template = environment.from_string((FOLDER / "chat_template.jinja").read_text(encoding="utf-8").strip())
        for i in range(300):
            conversation = sample(Generator(f"template-{i}"))
            if "raw" in conversation:  # has no markup
                continue
            tools = conversation["tools"]
            if tools:
                tools["dump"] = {}  # the template knows one layout
            printed = template.render(
                messages=[self.as_client_sends(message, conversation) for message in conversation["messages"]],
                tools=tools and tools["list"],
                enable_thinking=conversation["thinking"],
            )
            self.assertEqual(printed, "".join(text for text, _ in render(conversation)))

    def as_client_sends(self, message, conversation):
        if conversation["thinking"]:
            return message
        return {key: value for key, value in message.items() if key != "reasoning_content"}

    def test_the_judge_accepts_the_wanted_answer_and_no_other(self):
        for skill in [skill for skill in SKILLS if skill != "offscript"]:
            for i in range(20):
                conversation = held_out(skill, i)
                conversation["thinking"] = True
                text = "".join(text for text, _ in render(conversation))
                last = text.rpartition("<|im_start|>assistant\n")[2].removesuffix("<|im_end|>\n")
                reasoning, answer = split_reasoning(last)
                with self.subTest(skill=skill, number=i):
                    self.assertIsNotNone(reasoning)
                    if not (skill == "story" and len(answer.split()) <= 40):  # a short story counts as cut off
                        self.assertTrue(is_right(conversation, answer))
                    self.assertFalse(is_right(conversation, "nonsense"))

    def test_the_tokenizer_has_each_marker_under_its_id(self):
        tokenizer = json.loads((FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
        added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
        first = min(added.values())
        self.assertEqual(added, {marker: first + i for i, marker in enumerate(MARKERS)})


if __name__ == "__main__":
    unittest.main()
