# SPDX-License-Identifier: AGPL-3.0-or-later
# packages.sh - sourced by quickstart.sh, test.sh and bench/compare.sh: installs the Debian packages that are missing, saying which.

# need_packages PACKAGE...: 0 where all are there afterwards. Needs no network where none is missing.
need_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        echo "This is no Debian system: please see to it that there is something like: $*"
        return 0
    fi
    packages_missing=
    for package in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) packages_missing="$packages_missing $package" ;;
        esac
    done
    [ -n "$packages_missing" ] || return 0
    packages_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "Packages are missing, and there is no sudo to install them. Run as root:"
            echo "    apt-get install$packages_missing"
            return 1
        fi
        packages_root="sudo"
    fi
    echo "Installing with apt:$packages_missing"
    packages_log=$(mktemp)
    # shellcheck disable=SC2086 # words on purpose
    if $packages_root apt-get -q update >"$packages_log" 2>&1 &&
        $packages_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
            -o Dpkg::Use-Pty=0 install $packages_missing >>"$packages_log" 2>&1 </dev/null; then
        rm -f "$packages_log"
        return 0
    fi
    cat "$packages_log"
    rm -f "$packages_log"
    echo "apt could not install:$packages_missing"
    return 1
}
