#!/usr/bin/env bash
# Runs a command on one toolchain:  scripts/toolchain.sh host|trixie|forky 'COMMAND LINE'
#
# `host` is this checkout on this machine. The others are Debian releases (trixie is Debian 13, forky is Debian
# testing), each a chroot under /var/cache/ocaml-lwt-interop, made when missing and kept. The command runs in a copy of
# the checkout, at /srv/checkout, which keeps its own _build and target: a second run is incremental.
# To get testing's newer packages, remove its chroot.
set -euo pipefail
. "$(dirname "$0")/env.sh"

cache=/var/cache/ocaml-lwt-interop
in_namespace=
if [ "${1-}" = --in-namespace ]; then
  in_namespace=yes
  shift
fi
[ $# = 2 ] || die "usage: scripts/toolchain.sh host|trixie|forky 'COMMAND LINE'"
suite=$1 command=$2
dir=$cache/$suite

if [ "$suite" = host ]; then
  scripts/setup.sh
  exec bash -c "$command"
fi

# Everything below happens in a mount namespace of its own. Its mounts are invisible to the rest of the machine and end
# with its last process, however that ends: there is nothing to unmount, and nothing to be left mounted.
if [ -z "$in_namespace" ]; then
  [ "$(id -u)" = 0 ] || die "The Debian toolchains are chroots, which need root. Try:" \
    "  sudo env PATH=\"\$PATH\" HOME=\"\$HOME\" make test-all"
  unshare --mount true 2>/dev/null ||
    die "The Debian toolchains are chroots with mounts of their own, and mounting is not allowed here." \
      "In a container: run it with the capability SYS_ADMIN."
  exec unshare --mount --propagation private "$top/scripts/toolchain.sh" --in-namespace "$suite" "$command"
fi

needs() {
  command -v "$1" >/dev/null || apt_install "$@" || die "$1 is needed and could not be installed"
}

# True when the last packages to be installed are there.
complete() { chroot "$1" ocamlfind query lwt.unix alcotest >/dev/null 2>&1; }

# Whatever somebody mounted below the directory is unmounted first (in this namespace only), or rm would go through it.
remove() {
  awk -v below="$1/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r -n1 umount &&
    rm -rf --one-file-system "$1"
}

# It is made under another name and renamed when complete, so that an interrupted run leaves nothing that looks whole.
# debootstrap's own --include cannot resolve these packages. Release files of a suite may be older than they promise.
make_chroot() {
  local new=$dir.new script=$suite
  # An older debootstrap does not know every newer suite; sid's script serves for all of them.
  [ -e "/usr/share/debootstrap/scripts/$suite" ] || script=sid
  remove "$new" &&
    debootstrap --variant=minbase "$suite" "$new" "" "$script" &&
    chroot "$new" apt-get -q -o Acquire::Check-Valid-Until=false update &&
    chroot "$new" env DEBIAN_FRONTEND=noninteractive \
      apt-get -q -y install --no-install-recommends "${debian_packages[@]}" git curl rustc cargo &&
    complete "$new" &&
    remove "$dir" &&
    mv "$new" "$dir"
}

# Two runs would copy over each other's checkout.
mkdir -p "$cache"
exec 9>"$cache/$suite.lock"
flock -n 9 || {
  echo "Waiting for another run in $dir" >&2
  flock 9
}

needs rsync
if ! complete "$dir"; then
  needs debootstrap debian-archive-keyring
  heading "Making $dir, which takes some minutes"
  make_chroot >"$dir.log" 2>&1 || {
    tail -n 30 "$dir.log" >&2
    die "" "Could not make $dir; all that was printed is in $dir.log"
  }
fi

# The crates are fetched here, into the cargo home that the chroot shares, so that it needs no network.
[ ! -e Cargo.toml ] || cargo fetch --quiet

# The copy is what git knows and does not ignore. rsync takes a list of files or deletes what is gone, never both:
# hence two steps. The second compares contents and leaves a file that is the same untouched, but gives a changed one
# the time of now: with the times of here cargo would take an older file of another checkout for one that it has built.
staging=$dir/srv/staging checkout=$dir/srv/checkout
rm -rf "$staging"
mkdir -p "$staging" "$checkout"
git ls-files -z --cached --others --exclude-standard |
  rsync -a --no-owner --no-group --from0 --files-from=- --ignore-missing-args . "$staging"
rsync -rlp --checksum --delete --exclude=/_build --exclude=/target "$staging/" "$checkout"
rm -rf "$staging"

# rustup's proxies need a home of their own; the toolchain itself needs nothing but its folder.
rust=$(rustc --print sysroot)
[ "$rust" != /usr ] || die "The Debian toolchains take Rust from here, which works for a rustup toolchain only"
mkdir -p "$dir/opt/rust" "$dir/root/.cargo"
mount -o bind,ro "$rust" "$dir/opt/rust"
mount --bind "${CARGO_HOME:-$HOME/.cargo}" "$dir/root/.cargo"
mount -t proc proc "$dir/proc"
mount --rbind /dev "$dir/dev"

# A clean environment: opam's variables, say, name folders that do not exist in there.
exec chroot "$dir" env -i -C /srv/checkout HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 ${CI:+CI="$CI"} \
  PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  CARGO_NET_OFFLINE=true bash -c "$command"
