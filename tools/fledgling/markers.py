"""The markers that are one token each, in the order of their ids."""

# Never shown as text.
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# Ordinary text to a client.
VISIBLE = ["<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
MARKERS = CONTROL + VISIBLE
