#!/usr/bin/env bash
# Prepares a Debian 12 machine to build, run or test Tributary.
#
#   deploy/setup/prepare.sh build      libraries for the compiler; only checks Swift itself
#   deploy/setup/prepare.sh demo       also the programs that the demo starts
#   deploy/setup/prepare.sh test       also the programs that the tests use
#   deploy/setup/prepare.sh browser    also the browser that tests the pages
#   deploy/setup/prepare.sh bench      also the tools of the benchmarks
#   deploy/setup/prepare.sh protocol   the generator of the delta message's code
#
# Installs missing Debian packages, with sudo if not root, and starts none of their services.
# Quick and silent when nothing is missing.
set -euo pipefail

readonly swift_minimum=6.3

declare -A packages=(
    [build]="git pkg-config libc6-dev librdkafka-dev libhiredis-dev libcurl4-openssl-dev zlib1g-dev
        libzstd-dev libjemalloc-dev"
    [demo]="redis-server redis-tools curl util-linux"
    [test]="python3 python3-venv kcat nginx-light openssl iproute2 systemd libseccomp2
        zstd xz-utils bzip2"
    [browser]="chromium fonts-dejavu-core"
    [bench]="wrk valgrind"
    [protocol]="protobuf-compiler"
)
declare -A groups=(
    [build]="build"
    [demo]="build demo"
    [test]="build demo test"
    [browser]="build demo test browser"
    [bench]="build demo test bench"
    [protocol]="build protocol"
)

# Tributary starts these servers itself, in its own folders and on its own ports.
readonly services="redis-server.service nginx.service"

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

require_swift() {
    local found
    found=$({ swift --version 2>/dev/null || true; } |
        sed -n '/Swift version/ { s/.*Swift version \([0-9.]*\).*/\1/p; q }')
    if [[ -n $found && $(printf '%s\n' "$swift_minimum" "$found" | sort -V | head -n 1) \
        == "$swift_minimum" ]]; then
        return
    fi
    fail "Tributary needs Swift $swift_minimum or later; found: ${found:-none on PATH}." \
        "Install the toolchain for Debian 12 from https://www.swift.org/install/linux/," \
        "put its usr/bin on PATH, and run this again."
}

# Debian's maintainer scripts ask policy-rc.d before they start a service; 101 means no.
readonly policy=/usr/sbin/policy-rc.d
readonly policy_before=$policy.before-tributary

forbid_services() {
    trap allow_services EXIT
    trap 'exit 1' HUP INT TERM
    # A copy left by a killed run is the original: do not overwrite it.
    if [[ ! -e $policy_before && -e $policy ]]; then mv "$policy" "$policy_before"; fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

allow_services() {
    rm -f "$policy"
    if [[ -e $policy_before ]]; then mv "$policy_before" "$policy"; fi
}

install_as_root() {
    forbid_services

    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || echo "apt-get update failed; trying with the existing lists" >&2
    apt-get install --yes -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >/dev/null

    # policy-rc.d kept the services from starting now; keep them from starting at the next boot.
    if command -v systemctl >/dev/null; then
        local package service
        for package in "$@"; do
            # nginx-light, as one of several packages of nginx, brings nginx.service.
            service=${package%-light}.service
            [[ " $services " != *" $service "* ]] ||
                systemctl disable --quiet "$service" 2>/dev/null || true
        done
    fi
}

install_missing() {
    local missing=() package
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    echo "Installing Debian packages: ${missing[*]}" >&2
    if ((EUID == 0)); then
        "$0" --install-as-root "${missing[@]}"
    elif command -v sudo >/dev/null; then
        sudo "$0" --install-as-root "${missing[@]}"
    else
        fail "Installing packages needs root, and sudo is missing. As root, run:" \
            "  $(realpath "$0") --install-as-root ${missing[*]}"
    fi
}

main() {
    if [[ ${1:-} == --install-as-root ]]; then
        shift
        install_as_root "$@"
        return
    fi
    [[ -n ${1:-} && -n ${groups[$1]:-} ]] ||
        fail "usage: $0 build|demo|test|browser|bench|protocol"
    require_swift
    command -v dpkg-query >/dev/null ||
        fail "This is not Debian. Install equivalents of these packages, then run swift build:" \
            "  $(for group in ${groups[$1]}; do printf '%s ' ${packages[$group]}; done)"
    local names=() group
    for group in ${groups[$1]}; do
        # shellcheck disable=SC2206  # a list of words is meant
        names+=(${packages[$group]})
    done
    install_missing "${names[@]}"
}

main "$@"
