#!/usr/bin/env python3
"""Writes two small random-weight GGUFs of kinds that make_model.py does not have: experts, and an encoder.

    memory_models.py FOLDER_OF_MAKE_MODEL OUTPUT_FOLDER

The files are micro-moe.gguf (qwen3moe, 8 experts of which 2 are used) and micro-encoder.gguf (bert, mean pooling). Both have the first 4,096
tokens of the vocabulary beside make_model.py. `scripts/measure_memory.py` compares the memory of their workers with the plan.
"""
import pathlib
import sys

import gguf
import numpy

source, output = sys.argv[1:]
sys.dont_write_bytecode = True  # the source folder may be read-only
sys.path.insert(0, source)

import make_model  # noqa: E402  (found through the path above)

WIDTH, LAYERS, INNER, HEADS, HEAD_WIDTH, EXPERTS = 128, 2, 256, 4, 32, 8
VOCABULARY = make_model.limit_vocab(make_model.read_vocab(f"{source}/qwen2-vocab.gguf"), 4096)
random = numpy.random.Generator(numpy.random.SFC64(1))


def matrix(*shape):
    return random.standard_normal(shape, dtype=numpy.float32) / numpy.float32(shape[-1] ** 0.5)


def writer(name, architecture):
    """A file with the settings that both models have, and the vocabulary."""
    file = gguf.GGUFWriter(pathlib.Path(output, name), architecture)
    file.add_context_length(32_768)
    file.add_embedding_length(WIDTH)
    file.add_block_count(LAYERS)
    file.add_feed_forward_length(INNER)
    file.add_head_count(HEADS)
    for key, (value, types) in VOCABULARY.items():
        if types[0] == gguf.GGUFValueType.ARRAY:
            file.add_array(key, value)
        elif types[0] == gguf.GGUFValueType.STRING:
            file.add_string(key, value)
        elif types[0] == gguf.GGUFValueType.BOOL:
            file.add_bool(key, bool(value))
        else:
            file.add_uint32(key, int(value))
    file.add_tensor("token_embd.weight", matrix(len(VOCABULARY["tokenizer.ggml.tokens"][0]), WIDTH))
    return file


def finish(file):
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def experts():
    file = writer("micro-moe.gguf", "qwen3moe")
    file.add_head_count_kv(2)
    file.add_key_length(HEAD_WIDTH)
    file.add_value_length(HEAD_WIDTH)
    file.add_layer_norm_rms_eps(1e-6)
    file.add_expert_count(EXPERTS)
    file.add_expert_used_count(2)
    file.add_expert_feed_forward_length(INNER)
    file.add_rope_freq_base(1e6)
    file.add_tensor("output.weight", matrix(len(VOCABULARY["tokenizer.ggml.tokens"][0]), WIDTH))
    file.add_tensor("output_norm.weight", numpy.ones(WIDTH, numpy.float32))
    for layer in range(LAYERS):
        for part, rows, columns in [("q", HEADS * HEAD_WIDTH, WIDTH), ("k", 2 * HEAD_WIDTH, WIDTH),
                                    ("v", 2 * HEAD_WIDTH, WIDTH), ("output", WIDTH, HEADS * HEAD_WIDTH)]:
            file.add_tensor(f"blk.{layer}.attn_{part}.weight", matrix(rows, columns))
        for part, width in [("attn_norm", WIDTH), ("ffn_norm", WIDTH), ("attn_q_norm", HEAD_WIDTH), ("attn_k_norm", HEAD_WIDTH)]:
            file.add_tensor(f"blk.{layer}.{part}.weight", numpy.ones(width, numpy.float32))
        file.add_tensor(f"blk.{layer}.ffn_gate_inp.weight", matrix(EXPERTS, WIDTH))
        file.add_tensor(f"blk.{layer}.ffn_gate_exps.weight", matrix(EXPERTS, INNER, WIDTH))
        file.add_tensor(f"blk.{layer}.ffn_up_exps.weight", matrix(EXPERTS, INNER, WIDTH))
        file.add_tensor(f"blk.{layer}.ffn_down_exps.weight", matrix(EXPERTS, WIDTH, INNER))
    finish(file)


def encoder():
    file = writer("micro-encoder.gguf", "bert")
    file.add_layer_norm_eps(1e-12)
    file.add_causal_attention(False)
    file.add_pooling_type(gguf.PoolingType.MEAN)
    file.add_token_type_count(2)
    file.add_tensor("token_types.weight", matrix(2, WIDTH))
    file.add_tensor("position_embd.weight", matrix(32_768, WIDTH))
    file.add_tensor("token_embd_norm.weight", numpy.ones(WIDTH, numpy.float32))
    file.add_tensor("token_embd_norm.bias", numpy.zeros(WIDTH, numpy.float32))
    for layer in range(LAYERS):
        for part, rows, columns in [("attn_q", WIDTH, WIDTH), ("attn_k", WIDTH, WIDTH), ("attn_v", WIDTH, WIDTH),
                                    ("attn_output", WIDTH, WIDTH), ("ffn_up", INNER, WIDTH), ("ffn_down", WIDTH, INNER)]:
            file.add_tensor(f"blk.{layer}.{part}.weight", matrix(rows, columns))
            file.add_tensor(f"blk.{layer}.{part}.bias", numpy.zeros(rows, numpy.float32))
        for part in ("attn_output_norm", "layer_output_norm"):
            file.add_tensor(f"blk.{layer}.{part}.weight", numpy.ones(WIDTH, numpy.float32))
            file.add_tensor(f"blk.{layer}.{part}.bias", numpy.zeros(WIDTH, numpy.float32))
    finish(file)


experts()
encoder()
