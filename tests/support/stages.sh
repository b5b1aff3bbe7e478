# Stages of a check, each with its time, and one closing line over all test reports.
# Sourced by tests/run, tests/sanitize and tests/long; expects bash with `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

failed_stages=()
reports=()
times=()

# stage NAME COMMAND...: without it the rest makes no sense, so its failure ends the run.
stage() {
  local failed_before=${#failed_stages[@]}
  try_stage "$@"
  if [ "${#failed_stages[@]}" -gt "$failed_before" ]; then
    closing
  fi
}

# try_stage NAME COMMAND...: its failure is told at the end.
try_stage() {
  local name=$1 started=$SECONDS outcome=ok
  shift
  printf '== %s\n' "$name"
  "$@" || outcome=FAILED
  times+=("$(printf '%-24s %5d s  %s' "$name" "$((SECONDS - started))" "$outcome")")
  [ "$outcome" = ok ] || failed_stages+=("$name")
}

build_preset() {
  cmake --preset "$1" > /dev/null && cmake --build --preset "$1"
}

unit_tests() {
  local preset=$1 report=$root/build/$1/unit-tests.xml
  reports+=("$report")
  rm -f "$report"
  ctest --preset "$preset" --parallel "$(nproc)" --output-on-failure --quiet \
    --no-tests=error --output-junit "$report"
}

# e2e_tests PRESET [PYTEST ARGUMENT...]
e2e_tests() {
  local preset=$1 report=$root/build/$1/e2e-tests.xml
  shift
  reports+=("$report")
  rm -f "$report"
  HEADGATE_BINARY=$root/build/$preset/headgate \
    .venv/bin/python -m pytest -c tests/e2e/pytest.ini --rootdir tests/e2e -q \
    --junitxml "$report" "${@:-tests/e2e}"
}

# Prints the times and, alone on the last line, the sum; ends the script.
closing() {
  printf '== times\n'
  printf '   %s\n' "${times[@]}"
  local code=0
  if [ "${#failed_stages[@]}" -gt 0 ]; then
    printf 'failed: %s\n' "${failed_stages[*]}"
    code=1
  fi
  python3 tests/support/summary.py "${reports[@]}" || code=1
  exit "$code"
}
