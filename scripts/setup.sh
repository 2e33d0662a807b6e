#!/usr/bin/env bash
# Installs what the project needs, beside it: Python packages in .venv, and Node.js there too if the machine's is too old.
#   scripts/setup.sh run    what the demo and the product need, and the built console
#   scripts/setup.sh dev    that, and what tests and checks need (as root also Debian packages)
# Each step is skipped while what it makes is newer than what it is made from.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-run}
python=${PYTHON:-python3}
node_minimum=22

say() { printf '\033[1m» %s\033[0m\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

have_debian_root() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
apt_install() {
  say "installing Debian packages: $*"
  if [ ! -e "${TMPDIR:-/tmp}/gridsentry-apt-updated" ]; then
    apt-get update -q >/dev/null && touch "${TMPDIR:-/tmp}/gridsentry-apt-updated"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

make_venv() {
  [ -x .venv/bin/pip ] && return
  command -v "$python" >/dev/null || { have_debian_root && apt_install python3; } || fail "no $python: install Python 3.11 or newer"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$("$python" --version) is too old: GridSentry needs Python 3.11 or newer (set PYTHON=)"
  say "making .venv with $("$python" --version)"
  rm -rf .venv
  # A bare Debian has Python without the part that makes environments.
  "$python" -m venv .venv >/dev/null 2>&1 || { have_debian_root && apt_install python3-venv && "$python" -m venv .venv; } \
    || fail "cannot make a virtual environment: install python3-venv"
}

install_python() {
  local lock=requirements/$1.txt stamp=.venv/.installed-$1
  [ "$stamp" -nt "$lock" ] && [ "$stamp" -nt pyproject.toml ] && return
  say "installing Python packages ($lock)"
  .venv/bin/pip install -q --disable-pip-version-check --require-hashes -r "$lock"
  .venv/bin/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
  touch "$stamp"
}

node_is_new_enough() { command -v "$1" >/dev/null && [ "$("$1" -p 'process.versions.node.split(".")[0]')" -ge "$node_minimum" ]; }

install_node() {
  node_is_new_enough node && return
  [ -x .venv/bin/npm ] && return
  say "installing Node.js into .venv (the machine has none of version $node_minimum or newer)"
  .venv/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/node.txt
}

build_console() {
  local console=server/console
  if [ -e $console/dist/index.html ] && [ -z "$(find $console docs/reference/openapi.json -newer $console/dist/index.html -type f \
      -not -path '*/node_modules/*' -not -path '*/dist/*' -print -quit)" ]; then return; fi
  node_is_new_enough node || PATH=$PWD/.venv/bin:$PATH
  say "building the console"
  if [ ! $console/node_modules/.package-lock.json -nt $console/package-lock.json ]; then
    (cd $console && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error)
    touch $console/node_modules/.package-lock.json
  fi
  (cd $console && npm run --silent build >/dev/null)
  touch $console/dist/index.html
}

install_debian_for_tests() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  # The program that drives the browser is a Node.js of its own, which needs it.
  compgen -G '/usr/lib/*/libatomic.so.1' >/dev/null || missing+=(libatomic1)
  command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || missing+=(mosquitto)
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
  compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK*' >/dev/null || missing+=(fonts-noto-cjk)
  compgen -G '/usr/lib/*/girepository-1.0/GstRtspServer-1.0.typelib' >/dev/null \
    || missing+=(gir1.2-gst-rtsp-server-1.0 gir1.2-gstreamer-1.0 python3-gi
                 gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly)
  [ ${#missing[@]} = 0 ] && return
  if have_debian_root; then apt_install "${missing[@]}"
  else say "not root: tests that need ${missing[*]} will be skipped"; fi
}

make_venv
case $kind in
  run) [ -e .venv/.installed-dev ] && install_python dev || install_python run ;;
  dev) install_python dev; install_debian_for_tests ;;
  *) fail "unknown kind '$kind': expected run or dev" ;;
esac
install_node
build_console
