"""Prints synthetic conversations in the form of the training data.

Usage: python -m fledgling.generate --count 20 [--seed 0] [--held] [--skill NAME]
"""
import argparse

from .conversation import render
from .generator import Generator
from .mix import SKILLS, sample


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held", action="store_true", help="draw from the split that is never trained on")
    parser.add_argument("--skill", choices=SKILLS)
    options = parser.parse_args()
    for i in range(options.count):
        conversation = sample(Generator(f"{options.seed}-{i}", options.held), options.skill)
        print("".join(text for text, _ in render(conversation)), end="\n----\n")


if __name__ == "__main__":
    main()
