#!/usr/bin/env bash
# The program of the actions: /action.yml, and sdk-check/ beside this file.
#
# Usage: program.sh key      prints, as outputs of the step, the folder of the program and the key of its cache entry
#        program.sh install  puts the program into that folder: that of the release, else one built from these sources
#
# The key changes with the sources, the system and the machine. A program that is older than the action is never used.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
folder=$RUNNER_TEMP/countersign-program

key() {
  local sources
  sources=$(cd "$root" && find Cargo.toml Cargo.lock fixtures schemas harness -type f | LC_ALL=C sort |
    git hash-object --stdin-paths | git hash-object --stdin)
  printf 'folder=%s\nkey=countersign-%s-%s-%s\n' "$folder" "$RUNNER_OS" "$RUNNER_ARCH" "$sources" >>"$GITHUB_OUTPUT"
  printf '%s\n' "$folder" >>"$GITHUB_PATH"
}

# What Rust calls this machine.
target() {
  case "$RUNNER_OS-$RUNNER_ARCH" in
    Linux-X64) echo x86_64-unknown-linux-gnu ;;
    Linux-ARM64) echo aarch64-unknown-linux-gnu ;;
    macOS-X64) echo x86_64-apple-darwin ;;
    macOS-ARM64) echo aarch64-apple-darwin ;;
    Windows-X64) echo x86_64-pc-windows-msvc ;;
    *) return 1 ;;
  esac
}

# Gets the program of the release whose sources these are. A branch or a commit is no release.
download() {
  local version archive work
  [[ ${ACTION_REF:-} == v[0-9]* && -n ${ACTION_REPOSITORY:-} ]] || return 1
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
  archive="countersign-$(target).tar.gz" || return 1
  work=$(mktemp -d)
  gh release download "v$version" --repo "$ACTION_REPOSITORY" --dir "$work" --pattern "$archive*" || return 1
  local sum=(sha256sum)
  command -v sha256sum >/dev/null || sum=(shasum --algorithm 256)
  if ! (cd "$work" && "${sum[@]}" --check "$archive.sha256"); then
    echo "::error title=Countersign::$archive of release v$version does not have the checksum of $archive.sha256"
    exit 1
  fi
  tar -xzf "$work/$archive" -C "$folder"
}

build() {
  if ! command -v cargo >/dev/null; then
    echo "::error title=Countersign::There is no release for this ref and machine, and no Rust to build the" \
      "program with: use a release tag such as v1, or install Rust before this step"
    return 1
  fi
  echo "no release fits: the program is built; the next job takes it from the cache"
  local work
  work=$(mktemp -d)
  cargo install --locked --features login --path "$root" --root "$work"
  mv "$work"/bin/* "$folder/"
}

install() {
  mkdir -p "$folder"
  download || build
  "$folder/countersign" --version
}

case "${1:-}" in
  key | install) "$1" ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
