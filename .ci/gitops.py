"""Runs the steps of the workflows and pipelines in examples/gitops, unchanged, against the simulator.

    python .ci/gitops.py PATH/TO/lazuli

Real: the scripts of the steps, the scripts of the action, lazuli, the sign-in with the token of the job, and the
simulated Azure over HTTPS, as Reader for plans. Not real: the forges (small stand-ins for gh and for the REST API of
Azure DevOps), the conditions of steps, and approvals. Needs bash, jq, curl, git, GNU tar, ruamel.yaml.
"""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "gitops"
MARKER = "<!-- lazuli plan of stacks -->"
OWNER = "00000000-0000-0000-0000-0000000c0001"
READER = "00000000-0000-0000-0000-0000000c0003"
ACCOUNT = (
    "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-shop"
    "/providers/Microsoft.Storage/storageAccounts/stshoporders?api-version=2025-06-01"
)


class Forge(http.server.BaseHTTPRequestHandler):
    """Stand-in for GitHub and Azure DevOps: identity tokens of jobs, and the API requests of the steps."""

    comments = []
    issues = []
    threads = []
    items = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer("GET")

    def do_POST(self):
        self.answer("POST")

    def do_PATCH(self):
        self.answer("PATCH")

    def answer(self, method):
        length = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(length) or "{}") if length else {}
        path, _, query = self.path.partition("?")
        for known, handle in ROUTES:
            if found := re.fullmatch(known, f"{method} {path}"):
                body = json.dumps(handle(sent, query, *found.groups())).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
        self.send_error(404, f"{method} {path}")


def add(items, item):
    items.append(item | {"id": len(items) + 1, "number": len(items) + 1})
    return items[-1]


def change(items, number, sent):
    items[int(number) - 1].update(sent)
    return items[int(number) - 1]


def issues(_, query):
    assert "creator=github-actions%5Bbot%5D" in query and "labels=lazuli-drift" in query, query
    return [issue for issue in Forge.issues if issue["state"] == "open"]


def fields(sent):
    return {change["path"].removeprefix("/fields/System."): change["value"] for change in sent}


def new_thread(sent, _):
    author = {"displayName": "Shop Build Service (contoso)"}
    comments = [{"id": 1, "author": author} | comment for comment in sent["comments"]]
    return add(Forge.threads, sent | {"comments": comments})


def open_items(sent, _):
    assert "<> 'Done'" in sent["query"] and "CONTAINS 'lazuli-drift'" in sent["query"], sent
    return {"workItems": [item for item in Forge.items if item.get("State") != "Done"]}


BOT = {"user": {"login": "github-actions[bot]"}}
ROUTES = [
    ("GET /token", lambda *_: {"value": "a.b.c"}),
    ("POST /token", lambda *_: {"oidcToken": "a.b.c"}),
    ("GET /repos/contoso/shop/issues/7/comments", lambda *_: Forge.comments),
    ("POST /repos/contoso/shop/issues/7/comments", lambda sent, _: add(Forge.comments, sent | BOT)),
    (r"PATCH /repos/contoso/shop/issues/comments/(\d+)", lambda sent, _, id: change(Forge.comments, id, sent)),
    ("GET /repos/contoso/shop/issues", issues),
    ("POST /repos/contoso/shop/issues", lambda sent, _: add(Forge.issues, sent | {"state": "open"})),
    (r"PATCH /repos/contoso/shop/issues/(\d+)", lambda sent, _, id: change(Forge.issues, id, sent)),
    (
        r"POST /repos/contoso/shop/issues/(\d+)/comments",
        lambda sent, _, id: change(Forge.issues, id, {"last": sent["body"]}),
    ),
    ("GET /Shop/_apis/git/repositories/repo/pullRequests/7/threads", lambda *_: {"value": Forge.threads}),
    ("POST /Shop/_apis/git/repositories/repo/pullRequests/7/threads", new_thread),
    (
        r"PATCH /Shop/_apis/git/repositories/repo/pullRequests/7/threads/(\d+)/comments/1",
        lambda sent, _, id: change(Forge.threads, id, {})["comments"][0].update(sent),
    ),
    ("POST /Shop/_apis/wit/wiql", open_items),
    (r"POST /Shop/_apis/wit/workitems/\$Issue", lambda sent, _: add(Forge.items, fields(sent))),
    (r"PATCH /Shop/_apis/wit/workitems/(\d+)", lambda sent, _, id: change(Forge.items, id, fields(sent))),
]

# The part of gh that the workflows use: its api command, implemented with curl and jq.
GH = r"""#!/usr/bin/env bash
set -euo pipefail
[ "$1" = api ] || { [ "$1 $2" = "label create" ]; exit; }
shift
method=GET jq='' path='' body='{}'
while [ $# -gt 0 ]; do
  case "$1" in
    --silent | --paginate) ;;
    --method) method="$2"; shift ;;
    --jq) jq="$2"; shift ;;
    --field)
      [ "${2#*=@}" != "$2" ]
      body="$(jq --arg key "${2%%=*}" --rawfile value "${2#*=@}" '.[$key] = $value' <<<"$body")"; shift ;;
    --raw-field) body="$(jq --arg key "${2%%=*}" --arg value "${2#*=}" '.[$key] = $value' <<<"$body")"; shift ;;
    -*) exit 64 ;;
    *) path="$1" ;;
  esac
  shift
done
sent=()
[ "$method" = GET ] || sent=(--data "$body")
curl --fail --silent --show-error --request "$method" "${sent[@]}" "$FORGE/$path" >"$GH_ANSWER"
[ -z "$jq" ] || jq --raw-output "$jq" "$GH_ANSWER"
"""


class Place:
    """A repository with the example, a simulated Azure, and a shell for the steps."""

    def __init__(self, folder, lazuli, forge):
        self.folder = folder / "repository"
        shutil.copytree(EXAMPLE / "stacks", self.folder / "stacks")
        shutil.copy(EXAMPLE / "stack.yaml", self.folder)
        binaries = folder / "bin"
        binaries.mkdir()
        (binaries / "lazuli").symlink_to(lazuli)
        (binaries / "gh").write_text(GH)
        (binaries / "gh").chmod(0o755)
        self.output, self.summary = folder / "output", folder / "summary"
        for file in (self.output, self.summary):
            file.touch()
        self.env = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "HOME": str(folder),
            "RUNNER_TEMP": str(folder),
            "FORGE": forge,
            "GH_ANSWER": str(folder / "answer"),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_REPOSITORY": "contoso/shop",
            "GITHUB_REF_NAME": "main",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{forge}/token?version=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
            "SYSTEM_OIDCREQUESTURI": f"{forge}/token",
            "SYSTEM_COLLECTIONURI": f"{forge}/",
            "SYSTEM_TEAMPROJECT": "Shop",
            "SYSTEM_TEAMPROJECTID": "Shop",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            "SYSTEM_PULLREQUEST_SOURCECOMMITID": "c0ffee",
            "SYSTEM_ACCESSTOKEN": "of-the-job",
            "BUILD_REPOSITORY_ID": "repo",
            "BUILD_BUILDID": "1",
            "BUILD_SOURCEBRANCHNAME": "main",
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "connection",
            "WORK_ITEM": "Issue",
            "CLOSED": "Done",
        }
        world = folder / "world"
        world.mkdir()
        self.world = world
        self.lazuli = lazuli
        self.simulator = subprocess.Popen(
            [lazuli, "sim", "serve", "--port", "0", "--max-delay", "0", world], stdout=subprocess.PIPE, text=True
        )
        for line in self.simulator.stdout:
            for name, value in re.findall(r"(\w+)=(\S+)", line if line.startswith("export") else ""):
                self.env[name] = value
            if "AZURE_SUBSCRIPTION_ID" in self.env:
                break
        self.as_owner = dict(self.env)
        # Only the token of the job can sign in.
        del self.env["AZURE_CLIENT_SECRET"]

    def by_hand(self, *arguments, expect=0):
        """Runs lazuli as the owner of the subscription, outside the pipeline."""
        command = [self.lazuli, *arguments]
        done = subprocess.run(command, env=self.as_owner, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == expect, done.stdout + done.stderr

    def weaken(self):
        body = json.dumps({"properties": {"minimumTlsVersion": "TLS1_0"}})
        self.by_hand("sim", "request", "--path", str(self.world), "PATCH", ACCOUNT, body)

    def script(self, text, env, who, flags=(), fails=False):
        """Runs a step; returns its output text and the outputs that it set."""
        self.output.write_text("")
        env = self.env | {"AZURE_CLIENT_ID": who} | env
        command = ["bash", "--noprofile", "--norc", *flags, "-c", text]
        done = subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True)
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, f"{text}\nended with {done.returncode}:\n{output}"
        outputs = dict(line.split("=", 1) for line in self.output.read_text().splitlines())
        outputs |= dict(re.findall(r"##vso\[task.setvariable variable=(\w+)[^]]*\](.*)", output))
        return output, outputs


def steps(file, job):
    """Returns the steps of a job, by name."""
    document = YAML(typ="safe").load(file.read_text())
    if "stages" in document:
        jobs = {stage["stage"]: stage["jobs"][0] for stage in document["stages"]}
    elif isinstance(document["jobs"], list):
        jobs = {one["job"]: one for one in document["jobs"]}
    else:
        jobs = document["jobs"]
    job = jobs[job]
    found = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
    named = {step.get("name") if "run" in step else step.get("displayName", step.get("name")): step for step in found}
    return {name: step for name, step in named.items() if name}


class GitHub:
    # Options that GitHub passes to bash; Azure Pipelines passes none.
    FLAGS = ("-eo", "pipefail")

    def __init__(self, place):
        self.place = place

    def lazuli(self, step, who, **more):
        assert step["uses"].startswith("lazuli-azure/lazuli@"), step
        env = {"COMMAND": step["with"]["command"], "OUTPUT_FILE": step["with"].get("output-file", "")}
        return self.place.script(f"bash {ROOT}/.github/action/run", env, who, self.FLAGS, **more)

    def run(self, step, **values):
        """Runs a step; `values` replace the expressions in its `env`."""
        env = {name: values[name] if "${{" in str(value) else value for name, value in step.get("env", {}).items()}
        return self.place.script(step["run"], env, READER, self.FLAGS)

    def plan(self, fails=False):
        job = steps(EXAMPLE / "github" / "lazuli-plan.yaml", "plan")
        self.lazuli(job["Plan"], READER, fails=fails)
        outcome = "failure" if fails else "success"
        self.run(job["Comment"], GH_TOKEN="x", PLANNED=outcome, NUMBER="7", COMMIT="c0ffee", RUN="https://run")
        own = [comment["body"] for comment in Forge.comments if comment["user"] == BOT["user"]]
        others = [comment["body"] for comment in Forge.comments if comment["user"] != BOT["user"]]
        assert others == [f"{MARKER} mine"], others
        return own

    def save(self):
        job = steps(EXAMPLE / "github" / "lazuli-apply.yaml", "plan")
        _, outputs = self.lazuli(job["Plan"], READER)
        self.run(job["Show the plan to reviewers"])
        return outputs["changes"]

    def apply(self, **more):
        job = steps(EXAMPLE / "github" / "lazuli-apply.yaml", "apply")
        output, _ = self.lazuli(job["Apply"], OWNER, **more)
        self.place.summary.write_text("")
        self.run(job["Report the result"], APPLIED="failure" if more else "success")
        assert ("new plan" in self.place.summary.read_text()) == bool(more)
        return output

    def drift(self):
        job = steps(EXAMPLE / "github" / "lazuli-drift.yaml", "drift")
        _, outputs = self.lazuli(job["Plan"], READER)
        self.run(job["Open, update or close the issue"], GH_TOKEN="x", CHANGES=outputs["changes"], RUN="https://run")
        return [(issue["state"], issue["body"], issue.get("last")) for issue in Forge.issues]


class Pipelines:
    def __init__(self, place):
        self.place = place

    def lazuli(self, step, who, **more):
        assert step["task"] == "AzureCLI@2", step
        return self.place.script(step["inputs"]["inlineScript"], {}, who, **more)

    def run(self, step, **values):
        return self.place.script(step["bash"], values, READER)

    def plan(self, fails=False):
        job = steps(EXAMPLE / "azure-pipelines" / "lazuli-plan.yaml", "plan")
        _, outputs = self.lazuli(job["Plan"], READER, fails=fails)
        self.run(job["Comment"], PLANNED=outputs.get("planned", "$(planned)"), MARKER=job["Comment"]["env"]["MARKER"])
        assert Forge.threads[0]["comments"][0]["content"] == f"{MARKER} mine"
        return [thread["comments"][0]["content"] for thread in Forge.threads[1:]]

    def save(self):
        job = steps(EXAMPLE / "azure-pipelines" / "lazuli-apply.yaml", "plan")
        _, outputs = self.lazuli(job["Plan"], READER)
        folder = self.place.folder / "plan"
        folder.mkdir(exist_ok=True)
        shutil.copy(self.place.folder / "plan.lazuli.json", folder)
        self.place.env["PIPELINE_WORKSPACE"] = str(self.place.folder)
        return outputs["changes"]

    def apply(self, **more):
        job = steps(EXAMPLE / "azure-pipelines" / "lazuli-apply.yaml", "apply")
        return self.lazuli(job["Apply"], OWNER, **more)[0]

    def drift(self):
        job = steps(EXAMPLE / "azure-pipelines" / "lazuli-drift.yaml", "drift")
        _, outputs = self.lazuli(job["Plan"], READER)
        self.run(job["Open, update or close the work item"], CHANGES=outputs["changes"])
        state = {"Done": "closed", None: "open"}
        return [(state[item.get("State")], item["Description"], item.get("History")) for item in Forge.items]


def live(forge, place):
    """Runs through a pull request, its merge, drift, and its repair."""
    place.by_hand("apply", "stack.yaml", "--yes")

    [first] = forge.plan()
    assert first.startswith(MARKER) and "stshoporders" in first and "c0ffee" in first, first
    assert len(first) < 65_536
    spec = place.folder / "stacks" / "shop.yaml"
    whole = spec.read_text()
    spec.write_text(whole.replace("kind: storageAccount", "kind: storageAcount"))
    [broken] = forge.plan(fails=True)
    assert broken.startswith(MARKER) and "no plan" in broken and "stshoporders" not in broken, broken
    spec.write_text(whole)
    assert forge.plan() == [first], "the same comment is updated"

    assert forge.drift()[0][0] == "open", "changes that are not applied yet count as drift"
    assert forge.save() == "true"
    assert "Applied: 4 created" in forge.apply()
    assert forge.save() == "false"
    assert [(state, "gone" in last) for state, _, last in forge.drift()] == [("closed", True)]

    place.weaken()
    for _ in range(2):
        [_, (state, body, _)] = forge.drift()
        assert state == "open" and "TLS1_0" in body, body
    assert forge.save() == "true"
    place.by_hand("apply", "stacks", "--yes")
    rejected = forge.apply(fails=True)
    assert "LZ0029" in rejected, rejected
    assert forge.drift()[1][0] == "closed"


def install(folder, lazuli):
    """Installs a release, and checks that a wrong version, platform or checksum is rejected."""
    version = subprocess.run([lazuli, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    binaries = folder / "binaries" / "x86_64-unknown-linux-musl"
    binaries.mkdir(parents=True)
    shutil.copy(lazuli, binaries / "lazuli")
    release = folder / "releases" / f"v{version}"
    name = f"lazuli-{version}-x86_64-unknown-linux-musl.tar.gz"

    def package():
        command = [ROOT / ".ci" / "package", version, folder / "binaries", release]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return (release / name).read_bytes()

    archive = package()
    assert archive == package(), "the same input gives the same archive"

    env = {
        "PATH": os.environ["PATH"],
        "RUNNER_OS": "Linux",
        "RUNNER_ARCH": "X64",
        "RUNNER_TEMP": str(folder),
        "RELEASES": f"file://{folder}/releases",
        "GITHUB_PATH": str(folder / "path"),
        "GITHUB_OUTPUT": str(folder / "installed"),
    }

    def run(**more):
        script = ROOT / ".github" / "action" / "install"
        done = subprocess.run(["bash", script], env=env | more, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    code, output = run()
    assert code == 0 and f"lazuli {version}" in output, output
    found = Path(folder.joinpath("path").read_text().strip()) / "lazuli"
    subprocess.run([found, "--version"], check=True, capture_output=True)
    code, output = run(VERSION="99.0.0")
    assert code != 0 and "check that release v99.0.0 exists" in output, output
    code, output = run(VERSION="../evil")
    assert code != 0 and "is not a valid version" in output, output
    code, output = run(RUNNER_ARCH="X86")
    assert code != 0 and "no release for Linux on X86" in output, output
    code, output = run(SHA256="0" * 64)
    assert code != 0 and "does not match its checksum" in output, output
    (release / name).write_bytes(archive + b"!")
    code, output = run()
    assert code != 0 and "does not match its checksum" in output, output


def main():
    lazuli = Path(sys.argv[1]).resolve()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forge)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    forge = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder), lazuli)
    print("install: ok")
    # The steps must not change a comment of another user, even with the marker.
    add(Forge.comments, {"user": {"login": "mallory"}, "body": f"{MARKER} mine"})
    mallory = {"id": 1, "author": {"displayName": "Mallory"}, "content": f"{MARKER} mine"}
    add(Forge.threads, {"comments": [mallory]})
    for kind in (GitHub, Pipelines):
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder), lazuli, forge)
            try:
                live(kind(place), place)
            finally:
                place.simulator.kill()
                place.simulator.wait()
        print(f"{kind.__name__}: ok")


main()
