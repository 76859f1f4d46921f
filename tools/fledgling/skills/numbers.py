"""Counting, and sums of numbers up to 99."""
from ..conversation import conversation

LARGEST = 300
DOWN = ("Count down from {a} to {b}", "Count backwards from {a} to {b}", "count down from {a} to {b}")
FROM_ONE = (
    "Count to {b}",
    "count to {b}",
    "Please count up to {b}",
    "Count from one to {b}",
    "Can you count to {b}",
)
UP = (
    "Count from {a} to {b}",
    "count from {a} to {b}",
    "Please count from {a} to {b}",
    "Count up from {a} to {b}",
    "List the numbers from {a} to {b}",
    "Say all numbers from {a} to {b}",
    "Can you count from {a} to {b}",
    "Write the numbers {a} to {b}",
)
SUMS = (
    "What is {a} {op} {b}?",
    "What is {a} {op} {b}?",
    "{a} {op} {b}",
    "{a}{op}{b}",
    "{a} {op} {b} = ?",
    "Compute {a} {op} {b}.",
    "Calculate {a} {op} {b}.",
    "what is {a} {word} {b}?",
    "How much is {a} {word} {b}?",
    "{verb}",
)


def count(g, longest=LARGEST):
    """Counting from a to b; `longest` bounds the distance."""
    r = g.random

    def bounds():
        if longest == LARGEST and r.random() < 0.1:
            return 1, r.choice([10, 20, 30, 40, 50, 100, 100, 200])
        spans = [
            r.randint(1, 9),
            r.randint(1, 9),
            r.randint(1, 12),
            r.randint(1, 12),
            r.randint(3, 20),
            r.randint(3, 20),
            r.randint(3, 30),
            r.randint(10, 60),
            r.randint(10, 140) if r.random() < 0.8 else r.randint(100, 299),
        ]
        span = min(longest, r.choice(spans))
        start = r.choice([1, *(r.randint(0, LARGEST - span) for _ in range(3))])
        return start, min(LARGEST, start + span)

    def key(pair):
        """Everyday requests are never held out: "0" belongs to the training split."""
        a, b = pair
        return "0" if b <= 20 or a <= 1 and b % 10 == 0 else pair

    a, b = g.draw(bounds, key)
    if r.random() < 0.05:
        a, b = r.randint(3, 20), r.choice([0, 1, 1])
        request = g.pick(*DOWN)
    elif a == 1 and r.random() < 0.4:
        request = g.pick(*FROM_ONE)
    else:
        request = g.pick(*UP)
    request = request.format(a=a, b=b) + g.pick(".", "", ".", "!", ", please.")
    step = 1 if b >= a else -1
    answer = ", ".join(map(str, range(a, b + step, step)))
    return conversation("count", request, answer, f"I start at {a} and stop at {b}.")


def add(g):
    """A sum or a difference, reasoned digit by digit."""
    r = g.random
    a, b, op = g.draw(
        lambda: (r.randint(0, r.choice([9, 99, 99, 99])), r.randint(0, r.choice([9, 99, 99, 99])), r.choice("+-"))
    )
    plus = op == "+"
    request = g.pick(*SUMS).format(
        a=a,
        b=b,
        op=op,
        word="plus" if plus else "minus",
        verb=f"Add {a} and {b}." if plus else f"Subtract {b} from {a}.",
    )
    result = a + b if plus else a - b
    reasoning = _addition(a, b) if plus else _subtraction(a, b)
    return conversation("sum", request, f"{a} {op} {b} = {result}", reasoning)


def _addition(a, b):
    (tens_a, ones_a), (tens_b, ones_b) = divmod(a, 10), divmod(b, 10)
    ones = ones_a + ones_b
    carry = ones // 10
    return (
        f"Ones: {ones_a} + {ones_b} = {ones}, write {ones % 10}, carry {carry}. "
        f"Tens: {tens_a} + {tens_b} + {carry} = {tens_a + tens_b + carry}. Result: {a + b}."
    )


def _subtraction(a, b):
    larger, smaller = (a, b) if a >= b else (b, a)
    (tens_a, ones_a), (tens_b, ones_b) = divmod(larger, 10), divmod(smaller, 10)
    borrow = int(ones_a < ones_b)
    swap = f"{b} is larger, so I compute {b} - {a} and put a minus in front. " if a < b else ""
    return swap + (
        f"Ones: {ones_a + 10 * borrow} - {ones_b} = {ones_a + 10 * borrow - ones_b}, borrow {borrow}. "
        f"Tens: {tens_a} - {tens_b} - {borrow} = {tens_a - tens_b - borrow}. Result: {a - b}."
    )
