"""What a run needs before it measures: paths, built programs, request bodies, proxies."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from . import proxies

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

TURN = ("Our support desk files customer mails under product, severity and language before a "
        "person reads them. Read the mail below and answer with one JSON object that has exactly "
        "these three members; use null where the mail does not tell. ")


class Paths:
    def __init__(self, headgate=None, programs=None):
        self.repository = REPOSITORY
        self.bench = REPOSITORY / "bench"
        self.work = self.bench / ".work"
        self.programs = pathlib.Path(programs or REPOSITORY / "build" / "bench").resolve()
        self.headgate = pathlib.Path(headgate or REPOSITORY / "build/release/headgate").resolve()
        self.request = self.work / "request.json"
        self.stream_request = self.work / "stream.json"


def request_body(stream):
    """A chat request of about 1.1 KB."""
    body = {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": TURN * 2},
            {"role": "user", "content": "Since the update of last Tuesday the export to "
             "spreadsheets stops after the first hundred rows.\nIt says \"done\", though. We need "
             "the full list for the audit on Friday, so please treat this as urgent. " + "x" * 120},
        ],
        "temperature": 0.2,
        "max_completion_tokens": 200,
    }
    if stream:
        body.update(stream=True, stream_options={"include_usage": True})
    return json.dumps(body)


def lay_out(paths):
    """An empty work folder with the request bodies."""
    shutil.rmtree(paths.work, ignore_errors=True)
    paths.work.mkdir(parents=True)
    paths.request.write_text(request_body(stream=False))
    paths.stream_request.write_text(request_body(stream=True))


def tell(text):
    print(text, file=sys.stderr, flush=True)


def run_quietly(command, folder):
    """Runs a build step, whose output shows only where it fails; then that ends the bench."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-4000:]}\nfailed: {' '.join(map(str, command))}")


def build_programs(paths):
    """The bench's own programs, by clang where it is there (any C++23 compiler will do)."""
    configure = ["cmake", "-S", paths.bench, "-B", paths.programs, "-DCMAKE_BUILD_TYPE=Release"]
    if not (paths.programs / "CMakeCache.txt").exists():
        if shutil.which("ninja"):
            configure += ["-G", "Ninja"]
        if shutil.which("clang++-19"):
            configure += ["-DCMAKE_CXX_COMPILER=clang++-19"]
    tell("building the bench's programs")
    run_quietly(configure, paths.repository)
    run_quietly(["cmake", "--build", paths.programs], paths.repository)


def build_gateway(paths):
    """The release build. Where it fails there is no run: an older binary would be measured."""
    tell("building the gateway (preset release)")
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release", "--target", "headgate"]):
        run_quietly(command, paths.repository)


def present(paths, wanted, kinds=proxies.ALL):
    """The proxies of `wanted` names (all where there is none) that can run here, and a text for
    each that cannot."""
    found, missing = [], []
    for kind in kinds:
        if wanted and kind.name not in wanted:
            continue
        if issubclass(kind, proxies.Headgate) and not os.access(paths.headgate, os.X_OK):
            missing.append("headgate: its binary is missing (cmake --preset release && "
                           "cmake --build --preset release)")
        elif kind.program and not shutil.which(kind.program):
            missing.append(f"{kind.name}: {kind.program} is not installed "
                           "(deploy/install-deps --bench)")
        else:
            found.append(kind)
    for text in missing:
        tell("skipped: " + text)
    return found, missing


def require(*tools):
    for tool in tools:
        if not shutil.which(tool):
            sys.exit(f"{tool} is needed and not installed (deploy/install-deps --bench)")
