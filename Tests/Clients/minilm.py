"""A real embedding model: all-MiniLM-L6-v2, converted to GGUF, against its own forward pass in numpy.

usage: minilm.py MARTLET      (the program)

The reference reads the original weights in F32 and the original tokenizer, and shares no code with the server. Every vector must have a cosine of
at least 0.999 with the reference; texts of one meaning must be nearer to each other than to others. Prints the smallest cosine.
"""
import json
import pathlib
import sys
import tempfile

import numpy
import tokenizers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from checking import check, finish
from measuring import Server
from minilm_gguf import convert, folder, tensors

TEXTS = [
    "A martlet is a bird that never lands.", "The swift sleeps on the wing.", "Die Größe des Hauses ist unbekannt.",
    "def add(a, b):\n    return a + b", "Tokyo 東京 is the capital of Japan!", "x", "  two   spaces ", "Don't stop-me now... (please)",
    "The quick brown fox jumps over the lazy dog. " * 20, "3.14159 != 22/7", "naïve café résumé", "HELLO world",
]


class Reference:
    """BERT's forward pass, the mean of the tokens, and a length of 1."""

    def __init__(self):
        self.config = json.loads((folder() / "config.json").read_text())
        self.weights = dict(tensors(folder() / "model.safetensors"))
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder() / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def normalize(self, values, name):
        mean = values.mean(-1, keepdims=True)
        variance = ((values - mean) ** 2).mean(-1, keepdims=True)
        scaled = (values - mean) / numpy.sqrt(variance + self.config["layer_norm_eps"])
        return scaled * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def linear(self, values, name):
        return values @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def embed(self, text):
        ids = numpy.array(self.tokenizer.encode(text).ids)
        heads = self.config["num_attention_heads"]
        values = (self.weights["embeddings.word_embeddings.weight"][ids]
                  + self.weights["embeddings.position_embeddings.weight"][:len(ids)]
                  + self.weights["embeddings.token_type_embeddings.weight"][0])
        values = self.normalize(values, "embeddings.LayerNorm")
        for layer in range(self.config["num_hidden_layers"]):
            base = f"encoder.layer.{layer}."
            query, key, value = (
                self.linear(values, f"{base}attention.self.{part}").reshape(len(ids), heads, -1).transpose(1, 0, 2)
                for part in ("query", "key", "value"))
            scores = query @ key.transpose(0, 2, 1) / numpy.sqrt(query.shape[-1])
            weights = numpy.exp(scores - scores.max(-1, keepdims=True))
            weights /= weights.sum(-1, keepdims=True)
            mixed = (weights @ value).transpose(1, 0, 2).reshape(len(ids), -1)
            values = self.normalize(values + self.linear(mixed, base + "attention.output.dense"),
                                    base + "attention.output.LayerNorm")
            hidden = self.linear(values, base + "intermediate.dense")
            hidden = 0.5 * hidden * (1 + erf(hidden / numpy.sqrt(2)))
            values = self.normalize(values + self.linear(hidden, base + "output.dense"), base + "output.LayerNorm")
        mean = values.mean(0)
        return mean / numpy.linalg.norm(mean)


def erf(values):
    """The error function to 1.5e-7 (Abramowitz and Stegun, 7.1.26)."""
    t = 1 / (1 + 0.3275911 * numpy.abs(values))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return numpy.sign(values) * (1 - series * numpy.exp(-values * values))


reference = Reference()
with tempfile.TemporaryDirectory() as place:
    model = pathlib.Path(place, "all-minilm-l6-v2.gguf")
    convert(model)
    check("the file is written", model.stat().st_size > 40_000_000, model.stat().st_size)
    with Server(sys.argv[1], "serve", "--port", 0, "--model", model, "--no-journal", "--embeddings") as server:
        def post(path, body):
            status, text = server.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            return status, json.loads(text)

        status, body = post("/v1/embeddings", {"model": "any", "input": TEXTS})
        check("embeddings", status == 200 and len(body["data"]) == len(TEXTS), body)
        vectors = [numpy.array(entry["embedding"]) for entry in body["data"]]
        cosines = [float(vector @ reference.embed(text)) for vector, text in zip(vectors, TEXTS)]
        print(f"smallest cosine {min(cosines):.7f}")
        check("the cosine with the reference is 1 to 1e-3", min(cosines) >= 0.999, list(zip(cosines, TEXTS)))
        counts = sum(len(reference.tokenizer.encode(text).ids) for text in TEXTS)
        check("the tokens are those of the original tokenizer", body["usage"]["prompt_tokens"] == counts, (body["usage"], counts))
        _, ollama = post("/api/embed", {"model": "any", "input": TEXTS[:2]})
        check("Ollama's route has the same vectors", all(
            float(numpy.array(a) @ b) > 0.99999 for a, b in zip(ollama["embeddings"], vectors)), ollama.keys())
        near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[3]
        check("texts about birds are nearer than code", near > far + 0.1, (near, far))
        status, body = post("/v1/embeddings", {"model": "any", "input": "word " * 600})
        check("a text beyond 512 tokens is refused by its limit", status == 400 and "512" in json.dumps(body), body)
        status, body = post("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]})
        check("a chat with this model is no server error", status < 500, body)
finish()
