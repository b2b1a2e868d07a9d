"""Checks every script in the given workflows and pipelines with shellcheck.

    python .ci/steps.py FILE...
"""

import re
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML


def scripts(node):
    """Yields each script below a YAML node."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "bash", "inlineScript") and isinstance(value, str):
                yield value
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for item in node:
            yield from scripts(item)


count, failed = 0, False
for file in sys.argv[1:]:
    for script in scripts(YAML(typ="safe").load(Path(file).read_text())):
        count += 1
        # An expression would insert its value, which can be untrusted, into the script.
        if re.search(r"\$\{\{", script):
            print(f"{file}: expression in a script: pass the value by `env`:\n{script}")
            failed = True
        # Variables of the scripts come from `env`.
        command = ["shellcheck", "--shell=bash", "--exclude=SC2154", "-"]
        checked = subprocess.run(command, input=script, text=True, capture_output=True)
        if checked.returncode:
            print(f"{file}:\n{checked.stdout}{checked.stderr}")
            failed = True
assert count > 10, "too few scripts found"
sys.exit(failed)
