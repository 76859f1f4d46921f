"""Tests of scripts/progress: the work that is left of a build, and the line that shows it.

usage: build_progress.py REPOSITORY
"""
import importlib.machinery
import importlib.util
import json
import random
import subprocess
import sys
import unittest

REPOSITORY = sys.argv.pop(1)
sys.dont_write_bytecode = True
_loader = importlib.machinery.SourceFileLoader("progress", f"{REPOSITORY}/scripts/progress")
progress = importlib.util.module_from_spec(importlib.util.spec_from_loader("progress", _loader))
_loader.exec_module(progress)

# Two files of C, three modules of Swift that depend on each other, the link.
PROFILE = [["Crypto", 2, 20.0], ["Base", 1, 5.0], ["Middle", 1, 15.0], ["Program", 1, 50.0], [progress.LINK, 1, 10.0]]


def estimate(*modules):
    """An estimate after these modules."""
    result = progress.Estimate(PROFILE)
    for module in modules:
        result.finish(module)
    return result


class EstimateTests(unittest.TestCase):
    def test_the_last_modules_count_by_their_time_and_not_by_their_number(self):
        after = estimate("Crypto", "Crypto", "Base", "Middle")
        self.assertEqual(after.share(6), 0.4)
        self.assertEqual(after.rest(6), ["Program", progress.LINK])
        self.assertEqual(progress.seconds_left(0.4, 40, 0), 60)

    def test_a_part_of_the_c_files_is_a_part_of_their_time(self):
        self.assertEqual(estimate("Base", "Crypto").share(6), 0.15)
        self.assertEqual(estimate("Base", "Crypto", "Crypto", "Crypto").share(6), 0.25)

    def test_a_build_after_a_change_expects_only_what_lies_behind_it(self):
        after = estimate("Middle")
        self.assertEqual(after.rest(2), ["Program", progress.LINK])
        self.assertEqual(after.share(2), 0.2)

    def test_unknown_modules_and_the_beginning_have_no_estimate(self):
        self.assertIsNone(estimate("Other").share(9))
        self.assertIsNone(progress.seconds_left(None, 10, 0))
        self.assertIsNone(progress.seconds_left(0.04, 10, 0))

    def test_time_without_a_step_shortens_the_rest_to_nothing_and_not_below(self):
        self.assertEqual(progress.seconds_left(0.5, 30, 10), 20)
        self.assertEqual(progress.seconds_left(0.5, 30, 40), 0)

    def test_the_share_grows_and_ends_at_the_whole(self):
        """In any order of the steps behind the first one."""
        with open(progress.PROFILE) as file:
            profile = json.load(file)["modules"]
        for seed in range(4):
            steps = [name for name, parts, _ in profile for _ in range(parts)]
            rest = steps[1:]
            random.Random(seed).shuffle(rest)
            after, last = progress.Estimate(profile), 0
            for step in steps[:1] + rest:
                after.finish(step)
                share = after.share(len(steps))
                self.assertLessEqual(last, share + 1e-9)
                last = share
            self.assertAlmostEqual(last, 1)
            self.assertEqual(after.rest(len(steps)), [])


class LineTests(unittest.TestCase):
    def test_the_line_names_the_work_the_time_and_the_last_modules(self):
        self.assertEqual(
            progress.line("build", 958, 961, 500, 0.884, 66, ["Program", "link"]),
            "build: 88 % of the work, 958 of 961 steps, 8:20, about 1:06 left (Program, link)")
        self.assertEqual(
            progress.line("build", 958, 961, 600, 0.884, 0, ["Program", "link"]),
            "build: 88 % of the work, 958 of 961 steps, 10:00, the last steps take longer than usual (Program, link)")
        self.assertEqual(progress.line("build", 1, 961, 3, None, None, []), "build: 1 of 961 steps, 0:03")

    def test_lines_of_the_build_are_steps(self):
        for text, module in [
            ("[12/938] Compiling NIOCore Channel.swift", "NIOCore"), ("[1/9] Compiling CCrypto a.c", "CCrypto"),
            ("[9/9] Emitting module Base", "Base"), ("[3/9] Write sources", None)]:
            self.assertEqual(progress.STEP.match(text)[3], module, text)
        self.assertEqual(progress.STEP.match("[9/9] Linking martlet")[4], "Linking")
        self.assertIsNone(progress.STEP.match("error: [12/938] no step"))

    def test_a_command_runs_with_its_output_and_its_status(self):
        script = "echo '[1/2] Compiling Base a.swift'; echo a warning; echo '[2/2] Linking martlet'; exit 7"
        result = subprocess.run(
            [f"{REPOSITORY}/scripts/progress", "build", "sh", "-c", script], capture_output=True, text=True)
        self.assertEqual(result.returncode, 7)
        self.assertIn("build: 1 of 2 steps", result.stderr)
        self.assertIn("a warning\n", result.stderr)


class ProfileTests(unittest.TestCase):
    def test_each_interval_counts_for_the_file_that_ends_it(self):
        objects = [
            ("C", "a.o", 100.0), ("Base", "x.swift.o", 104.0), ("C", "b.o", 106.0), ("Base", "y.swift.o", 107.0),
            ("Program", "z.swift.o", 120.0), ("Later", "l.o", 900.0)]
        self.assertEqual(progress.profile_of(objects, 125.0), [
            ["C", 2, 2.0], ["Base", 1, 5.0], ["Program", 1, 13.0], [progress.LINK, 1, 5.0]])


unittest.main()
