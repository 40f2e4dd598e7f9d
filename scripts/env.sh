# Sourced by the other scripts: goes to the top of the checkout, finds cargo and opam's switch, and gives them
# the few functions that they share.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"

# rustup puts cargo here, and on PATH only in shells started after it.
command -v cargo >/dev/null || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

# An opam switch, where there is one, goes before the system's OCaml.
has_opam_switch() { command -v opam >/dev/null && opam switch show >/dev/null 2>&1; }
if has_opam_switch; then eval "$(opam env 2>/dev/null)"; fi

# What cargo keeps to compile a crate of ours a little faster the next time is five gigabytes for each toolchain.
export CARGO_INCREMENTAL=0

# What the project needs, as Debian and Ubuntu name it.
debian_packages=(build-essential ocaml ocaml-findlib ocaml-dune liblwt-ocaml-dev libalcotest-ocaml-dev)

# Progress goes to stderr, so that a command's output can be read by a script.
heading() { printf '\n== %s ==\n' "$*" >&2; }
die() {
  printf '%s\n' "$@" >&2
  exit 1
}

# apt_install PACKAGE…: as root or with sudo; fails when neither is possible.
apt_install() {
  local sudo=()
  command -v apt-get >/dev/null || return 1
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || return 1
    sudo=(sudo)
    # Without a terminal nobody could type the password.
    if sudo -n true 2>/dev/null || ! [ -t 0 ]; then sudo+=(-n); fi
  fi
  # A repository that does not answer need not matter: the installation itself will tell.
  "${sudo[@]}" apt-get -qq update >&2 || true
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" >&2
}
