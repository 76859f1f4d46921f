"""The delimiters that are one token each, in the order of their ids."""

# Control tokens, which are never part of a text.
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# User-defined tokens, which clients receive as text.
VISIBLE = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
MARKERS = CONTROL + VISIBLE
