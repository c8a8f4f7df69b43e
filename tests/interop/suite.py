"""How every suite reports: one line per test, then `N passed, N failed, N skipped`."""

import argparse
import inspect
import signal
import sys
import threading
import time
import traceback

import servers


class Report:
    """Prints results as they come and counts them."""

    def __init__(self, suite):
        self.suite = suite
        self.passed = self.failed = self.skipped = 0

    def add(self, outcome, title, note="", count=1):
        counter = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}[outcome]
        setattr(self, counter, getattr(self, counter) + count)
        print(f"{outcome}  {self.suite}: {title}" + (f"  ({note})" if note else ""), flush=True)

    def finish(self):
        """Prints the last line and returns the exit code."""
        print(summary(self.passed, self.failed, self.skipped), flush=True)
        return 1 if self.failed or not self.passed else 0


def summary(passed, failed, skipped):
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def arguments(description):
    """The command line that all suites share; a suite may add its own to the result."""
    # So that a suite which is told to end still ends the servers it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--server", choices=servers.KINDS, default="coord")
    parser.add_argument("--match", default="", help="only tests whose title contains this text")
    parser.add_argument("--set", action="append", default=[], metavar="Section:Key=Value",
                        help="a setting for our silo, as `./coord up --set` takes it")
    parser.add_argument("--ensemble", action="store_true",
                        help="suites that can: all tests against three of our members, too")
    parser.add_argument("--orleans", action="store_true",
                        help="suites that can: all tests against three silos of an Orleans cluster instead")
    return parser


def run_tests(report, match, tests, *given):
    """Runs each function with the arguments; its docstring's first line is its title, what it returns a note."""
    for test in tests:
        title = inspect.getdoc(test).splitlines()[0]
        if match.lower() not in title.lower():
            continue
        started = time.monotonic()
        try:
            note = test(*given)
        except Exception:  # a failed test must not keep the others from running
            report.add("FAIL", title)
            traceback.print_exc(file=sys.stdout)
        else:
            seconds = f"{time.monotonic() - started:.1f} s"
            report.add("PASS", title, f"{note}, {seconds}" if note else seconds)


def tests_of(module):
    """The module's test functions, in the order they were written."""
    found = [value for name, value in vars(module).items() if name.startswith("test_") and inspect.isfunction(value)]
    return sorted(found, key=lambda test: test.__code__.co_firstlineno)


def eventually(condition, what, deadline=30):
    """Waits until the condition holds, generously: the machine may be busy."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"did not happen in {deadline} s: {what}")
        time.sleep(0.01)


class Background:
    """Runs a function again and again in a thread until the block ends; its failure is the block's."""

    def __init__(self, function):
        self._function = function
        self._stop = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _run(self):
        try:
            while not self._stop.is_set():
                self._function()
        except Exception as failure:
            self._failure = failure
