"""Writes a trained checkpoint as GGUF files that libllama loads as a `qwen3` model.

Usage: python -m fledgling.export_gguf [--checkpoint fledgling.pt] [--types F16 Q8_0] [--out fledgling]
Writes fledgling.F16.gguf and fledgling.Q8_0.gguf.
"""
import argparse
import json

import gguf
import numpy as np
import torch

from . import FOLDER
from .markers import CONTROL, MARKERS

CONTEXT = 4096
NAMES = {
    "attn_norm": "attn_norm",
    "ffn_norm": "ffn_norm",
    "attn.q": "attn_q",
    "attn.k": "attn_k",
    "attn.v": "attn_v",
    "attn.o": "attn_output",
    "attn.q_norm": "attn_q_norm",
    "attn.k_norm": "attn_k_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


def tensor_name(name):
    if name == "embed.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    _, layer, rest = name.split(".", 2)
    return f"blk.{layer}.{NAMES[rest.removesuffix('.weight')]}.weight"


def export(state, tokenizer, template, kind, path, license):
    writer = gguf.GGUFWriter(path, "qwen3")
    add_description(writer, kind, license)
    add_shape(writer, state["config"])
    add_tokenizer(writer, tokenizer)
    writer.add_chat_template(template)
    for name, value in state["model"].items():
        add_tensor(writer, tensor_name(name), value.float().cpu().numpy(), kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(path)


def add_description(writer, kind, license):
    writer.add_name("Fledgling")
    writer.add_basename("fledgling")
    writer.add_description("Tiny demo chat model of the Martlet project, trained from scratch on synthetic text")
    writer.add_author("Martlet project")
    writer.add_license(license)
    writer.add_languages(["en"])
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{kind}"])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def add_shape(writer, config):
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config["width"])
    writer.add_block_count(config["layers"])
    writer.add_feed_forward_length(config["hidden"])
    writer.add_head_count(config["heads"])
    writer.add_head_count_kv(config["kv_heads"])
    writer.add_key_length(config["head"])
    writer.add_value_length(config["head"])
    writer.add_layer_norm_rms_eps(config["eps"])
    writer.add_rope_freq_base(config["rope"])
    writer.add_vocab_size(config["vocab"])


def add_tokenizer(writer, tokenizer):
    model = tokenizer["model"]
    ids = dict(model["vocab"]) | {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    tokens = sorted(ids, key=ids.get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([token_type(token) for token in tokens])
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]])
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_eot_token_id(ids["<|im_end|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)


def token_type(token):
    if token in CONTROL:
        return gguf.TokenType.CONTROL
    return gguf.TokenType.USER_DEFINED if token in MARKERS else gguf.TokenType.NORMAL


def add_tensor(writer, name, value, kind):
    """Returns the type of a tensor: float32 for vectors, the file's type for matrices."""
    if value.ndim == 1:
        writer.add_tensor(name, value)
    elif kind == "F16":
        writer.add_tensor(name, value.astype(np.float16))
    else:
        quantization = gguf.GGMLQuantizationType[kind]
        writer.add_tensor(name, gguf.quants.quantize(value, quantization), raw_dtype=quantization)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="fledgling.pt")
    parser.add_argument("--tokenizer", default=str(FOLDER / "tokenizer.json"))
    parser.add_argument("--template", default=str(FOLDER / "chat_template.jinja"))
    parser.add_argument("--types", nargs="+", default=["F16", "Q8_0"], choices=["F16", "Q8_0"])
    parser.add_argument("--license", default="Apache-2.0", help="SPDX name written to general.license")
    parser.add_argument("--out", default="fledgling")
    options = parser.parse_args()
    state = torch.load(options.checkpoint, map_location="cpu")
    with open(options.tokenizer, encoding="utf-8") as file:
        tokenizer = json.load(file)
    with open(options.template, encoding="utf-8") as file:
        template = file.read().strip()
    for kind in options.types:
        export(state, tokenizer, template, kind, f"{options.out}.{kind}.gguf", options.license)


if __name__ == "__main__":
    main()
