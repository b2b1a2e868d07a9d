"""Holds every script in the workflows and pipelines that it is given against shellcheck.

    python .ci/steps.py FILE...
"""

import re
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML


def scripts(node):
    """Each script below a node of YAML."""
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
        # An expression would put what it stands for into the script itself, whoever wrote that.
        if re.search(r"\$\{\{", script):
            print(f"{file}: an expression in a script; hand it over by `env`:\n{script}")
            failed = True
        # Their variables come from `env`.
        command = ["shellcheck", "--shell=bash", "--exclude=SC2154", "-"]
        checked = subprocess.run(command, input=script, text=True, capture_output=True)
        if checked.returncode:
            print(f"{file}:\n{checked.stdout}{checked.stderr}")
            failed = True
assert count > 10, "the scripts are found"
sys.exit(failed)
