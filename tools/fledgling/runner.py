"""A GGUF of the model, driven through llama-cpp-python with greedy decoding."""
import json
import time

from jinja2 import Environment
from llama_cpp import Llama

CONTEXT = 4096


class Runner:
    def __init__(self, path, threads):
        self.llama = Llama(
            path, n_ctx=CONTEXT, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False
        )
        environment = Environment()
        environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        self.template = environment.from_string(self.llama.metadata["tokenizer.chat_template"])
        self.ends = {self.llama.token_eos(), self.ids("<|endoftext|>")[0]}
        self.tokens, self.seconds = 0, 0.0

    def ids(self, text):
        return self.llama.tokenize(text.encode(), add_bos=False, special=True)

    def text(self, ids):
        return self.llama.detokenize(ids, special=True).decode("utf-8", "replace")

    def prompt(self, messages, tools=None, thinking=True):
        return self.template.render(
            messages=messages, tools=tools, add_generation_prompt=True, enable_thinking=thinking
        )

    def greedy(self, ids, limit=2000, stop=()):
        """Token ids up to an end token or one of `stop` (dropped), at most `limit` of them."""
        out, ends, began = [], self.ends | set(stop), time.time()
        for token in self.llama.generate(ids, temp=0.0, repeat_penalty=1.0):
            if token in ends or len(out) >= limit:
                break
            out.append(token)
        self.tokens += len(out)
        self.seconds += time.time() - began
        return out
