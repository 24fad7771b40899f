# shellcheck shell=sh
# Sourced by ./run and ./test, which set $root: the environment in .venv.
#
# prepare run|dev sets the environment up when there is none for the present
# lock files; otherwise it costs a few milliseconds. The stamp is written last,
# so that an interrupted set-up is done again.

root=${root:?}
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
# Without its compiled modules Python starts seconds later, every time.
unset PYTHONDONTWRITEBYTECODE

# Print the first Python that will do: 3.11 or later, preferably one that can make an environment.
find_python() {
    for modules in 'venv, ensurepip' 'venv'; do
        for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
            if command -v "$name" >/dev/null 2>&1 &&
                "$name" -c "import sys, $modules; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1; then
                echo "$name"
                return 0
            fi
        done
    done
    return 1
}

prepare() {
    profile=$1
    stamp="$root $(cat "$root/uv.lock" "$root/pyproject.toml" "$root"/requirements*.lock "$root/scripts/set_up.py" | cksum)"
    found=
    if [ -x "$root/.venv/bin/python" ] && [ -r "$root/.venv/.dgdo-geo-$profile" ]; then
        IFS= read -r found <"$root/.venv/.dgdo-geo-$profile" || true
    fi
    [ "$found" != "$stamp" ] || return 0

    if ! python=$(find_python); then
        {
            echo "dgdo-geo: geen Python 3.11 of nieuwer gevonden. Installeer Python 3.11 of nieuwer en probeer het opnieuw."
            echo "dgdo-geo: found no Python 3.11 or later. Install Python 3.11 or later and try again."
        } >&2
        exit 3
    fi
    "$python" "$root/scripts/set_up.py" "$profile" "$stamp" >&2 </dev/null || exit $?
}
