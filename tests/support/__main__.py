"""python -m tests.support             write docs/providers.md
python -m tests.support --check     write nothing, exit 1 and show the difference when it is out of date
"""

from __future__ import annotations

import argparse
import difflib
import sys

from tests.support.table import PAGE, page


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support", description="Write docs/providers.md.")
    parser.add_argument("--check", action="store_true", help="only tell whether the page is up to date")
    options = parser.parse_args(arguments)
    text = page()
    if not options.check:
        PAGE.write_text(text)
        return 0
    present = PAGE.read_text() if PAGE.exists() else ""
    changes = difflib.unified_diff(present.splitlines(), text.splitlines(), "present", "generated", n=0, lineterm="")
    sys.stdout.writelines(f"{line}\n" for line in changes)
    return int(present != text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
