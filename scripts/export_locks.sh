#!/bin/sh
# Write the lock files for pip from uv.lock. Run it after every `uv lock`; needs uv.
#
#   requirements.lock         everything, with the tools for development
#   requirements-run.lock     what the program needs
#   requirements-build.lock   what building the package needs
set -eu

cd -- "$(dirname -- "$0")/.."
export UV_CUSTOM_COMPILE_COMMAND="scripts/export_locks.sh"
export_lock() {
    file=$1
    shift
    uv export --quiet --frozen --no-emit-project --no-annotate --format requirements-txt --output-file "$file" "$@"
}
export_lock requirements.lock --all-extras
export_lock requirements-run.lock --extra report

# The editable build needs `editables` besides what pyproject.toml names.
{
    sed -n 's/^requires = \["\(.*\)"\]$/\1/p' pyproject.toml
    echo editables
} | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --constraint requirements.lock --output-file requirements-build.lock -
