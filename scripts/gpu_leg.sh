#!/bin/bash
# One leg of training on a machine whose GPU is lent for some minutes.
#
#     scripts/gpu_leg.sh PHOTOS RUN MINUTES [options of train.py]
#
# PHOTOS  a folder of shards *.tar (scripts/train_shards.py packs such of 58 MB) and val-sources.tar,
#         which is only measured on. All pictures are decoded once and kept as bytes in the GPU's
#         memory: 100,000 of 192 px take 15 GB of it.
# RUN     the run's folder. What a former leg brought back is gone on with, exactly: pieces of its
#         checkpoint are joined first.
# MINUTES of learning, after pictures are read; the plan (--planned-pictures) may take several legs.
#
# Into $OUT (RUN/out without one) go every minute: lite.safetensors, the averaged weights (8.6 MB);
# log.jsonl, with the figures of validation; checkpoint.pt.NN, pieces of at most 15 MB. $OUT/PIECES
# says how many there are, written last: with another number a copy was broken off, and the former
# one is whole under $OUT/before.
#
# To go on: copy $OUT into RUN (files beside one another) and give the same options again.
# To try it without a GPU, ten steps:
#
#     scripts/gpu_leg.sh PHOTOS runs/try 5 --imagenet lite0 --device cpu --batch-size 2 --side 128 \
#         --late-share 0 --planned-pictures 20 --shown-gain 1 --adversarial-weight 1 --validation-count 4
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
photos=$1 run=$2 minutes=$3
shift 3
out=${OUT:-$run/out}
python=${PYTHON:-python}
mkdir -p "$run" "$out"
export PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}"

is_whole() {
    [ -e "$1/PIECES" ] && [ "$(ls "$1"/checkpoint.pt.?? | wc -l)" = "$(cat "$1/PIECES")" ]
}

if [ ! -e "$run/checkpoint.pt" ]; then
    for whole in "$run" "$run/before"; do
        is_whole "$whole" || continue
        cat "$whole"/checkpoint.pt.?? > "$run/checkpoint.joined"
        [ "$whole" = "$run" ] || cp "$whole/log.jsonl" "$run/log.jsonl"
        mv "$run/checkpoint.joined" "$run/checkpoint.pt"
        break
    done
fi

bring_back() {
    [ -e "$run/ema.safetensors" ] || return 0
    [ "$run/checkpoint.pt" -nt "$out/PIECES" ] || return 0
    rm -rf "$out/before"
    if [ -e "$out/PIECES" ]; then
        mkdir "$out/before"
        mv "$out/PIECES" "$out"/checkpoint.pt.?? "$out/log.jsonl" "$out/before"
    fi
    # A link, so that a checkpoint that replaces it meanwhile leaves this one whole.
    ln -f "$run/checkpoint.pt" "$run/checkpoint.sent"
    cp "$run/ema.safetensors" "$out/lite.safetensors"
    cp "$run/log.jsonl" "$out/log.jsonl"
    split -b 15000000 -d -a 2 "$run/checkpoint.sent" "$out/checkpoint.pt."
    rm "$run/checkpoint.sent"
    ls "$out"/checkpoint.pt.?? | wc -l > "$out/PIECES"
}

shards=()
for shard in "$photos"/*.tar; do
    case $shard in */val*.tar) ;; *) shards+=("$shard") ;; esac
done
"$python" "$here/train.py" --data "${shards[@]}" --validation "$photos/val-sources.tar" --seen \
    --folder "$run" --minutes "$minutes" --checkpoint-minutes 1 --validation-minutes 2 "$@" &
trainer=$!
trap 'kill "$trainer" 2> /dev/null || true' EXIT
while kill -0 "$trainer" 2> /dev/null; do
    sleep 5
    bring_back
done
status=0
wait "$trainer" || status=$?
bring_back
exit "$status"
