#!/usr/bin/env bash
# Brings a Debian 12 machine to where Tributary builds, runs or is tested.
#
#   deploy/setup/prepare.sh build      what the compiler needs: Swift itself is only checked
#   deploy/setup/prepare.sh demo       besides, what the demo starts
#   deploy/setup/prepare.sh test       besides, what the tests drive it with
#   deploy/setup/prepare.sh browser    besides, the browser that looks at the pages
#   deploy/setup/prepare.sh bench      besides, what the benchmarks measure against
#   deploy/setup/prepare.sh protocol   what generates the delta message's code
#
# Installs missing Debian packages, with sudo when not root, and starts no service of theirs.
# Quick, and silent, when nothing is missing.
set -euo pipefail

readonly swift_minimum=6.3

declare -A packages=(
    [build]="git pkg-config libc6-dev librdkafka-dev libhiredis-dev libcurl4-openssl-dev zlib1g-dev
        libjemalloc-dev"
    [demo]="redis-server redis-tools curl util-linux"
    [test]="python3 python3-venv kcat nginx-light openssl iproute2 systemd libseccomp2"
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

# Services of these packages run under Tributary's own hand, in folders and on ports of its own.
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
    # One left by a run that was killed is the original: it must not be overwritten.
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
    apt-get update -qq || echo "apt-get update failed; trying with the lists at hand" >&2
    apt-get install --yes -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >/dev/null

    # Not now, and not at the next boot either.
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
        fail "This needs root, and there is no sudo. As root, run:" \
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
        fail "This is not Debian. Install the like of these, then run swift build yourself:" \
            "  $(for group in ${groups[$1]}; do printf '%s ' ${packages[$group]}; done)"
    local names=() group
    for group in ${groups[$1]}; do
        # shellcheck disable=SC2206  # a list of words is meant
        names+=(${packages[$group]})
    done
    install_missing "${names[@]}"
}

main "$@"
