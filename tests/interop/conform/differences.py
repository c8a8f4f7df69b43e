"""Where our silo means to differ from what the cases recorded."""

import collections

from conform.language import split_line

# The row is the first column of its line in docs/DIVERGENCE.md.
Difference = collections.namedtuple("Difference", "row case step ours")


def read_differences(text):
    """`row` lines with the cases under them, and under those the steps with what our silo answers."""
    row = case = None
    found = []
    for line in text.splitlines():
        if line.startswith("row "):
            row = line[4:]
        elif line.startswith("== "):
            case = line[3:]
        elif line and not line.startswith("#"):
            found.append(Difference(row, case, *split_line(line)))
    return found
