"""Writes one small random-weight GGUF per preset, reading the large vocabulary only once.

Usage: test_models.py FOLDER_OF_MAKE_MODEL OUTPUT_FOLDER PRESET...
"""
import functools
import pathlib
import sys

source, output, *presets = sys.argv[1:]
sys.dont_write_bytecode = True  # the source folder may be read-only
sys.path.insert(0, source)

import make_model  # noqa: E402  (found through the path above)

make_model.read_vocab = functools.cache(make_model.read_vocab)
for preset in presets:
    path = pathlib.Path(output, f"{preset}.gguf")
    sys.argv = ["make_model.py", "--preset", preset, "--vocab", f"{source}/qwen2-vocab.gguf", "--out", f"{path}.new"]
    make_model.main()
    pathlib.Path(f"{path}.new").rename(path)
