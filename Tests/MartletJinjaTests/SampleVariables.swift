import MartletJSON

/// The variables of the tables of templates.
let sampleVariables: JSONValue = [
    "s": "Hello, World", "u": "Grüße 👋🏽 ß ǆ İ", "e": "", "n": .null, "i": 7, "neg": -7, "f": 2.5, "big": 1e22,
    "small": 1.5e-7, "t": true, "fa": false, "l": [3, 1, 2], "ls": ["b", "A", "c"],
    "d": ["b": 1, "a": [1, 2.0, .null, true, "x'y"], "items": 5, "ä": "ö\n"],
    "ld": [["k": "x", "v": 2], ["k": "y", "v": 1], ["k": "X", "v": 3], ["v": 0]], "html": "<a href='x'>&\"</a>",
    "ml": "a\nb\n\n  c\n", "ws": "  \t x  y \n", "m": [["role": "user", "content": "hi"]],
]
