#!/usr/bin/env bash
# Installs the programs that `make bench` compares with, in an environment of their own: they are no part of the product.
#   var/bench/peers: ultralytics with torch and torchvision, trackers, supervision (~6 GB; AGPL among them)
# torch and torchvision are asked for in one go: an older torch beside a newer torchvision does not load.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=var/bench/peers
need_gib=9

[ -e $peers/.installed ] && [ $peers/.installed -nt "$0" ] && exit 0
mkdir -p var/bench
free_gib=$(df --output=avail -BG var/bench | tail -1 | tr -dc 0-9)
if [ "$free_gib" -lt $need_gib ]; then
  printf 'bench-peers: %s GiB are free, %s are needed: free some disk\n' "$free_gib" $need_gib >&2
  exit 1
fi
[ -x $peers/bin/pip ] || .venv/bin/python -m venv $peers
printf '» installing the peers of the bench into %s (~6 GB, some minutes)\n' $peers >&2
nice -n 10 $peers/bin/pip install -q --disable-pip-version-check --no-cache-dir \
  torch torchvision ultralytics trackers supervision onnx onnxruntime psutil
touch $peers/.installed
