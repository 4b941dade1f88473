#!/bin/sh
# Makes the weights of `lite` from those that training started with, in six stages; run again, it goes on.
# On two cores it takes a day and a half, nearly all of it the third stage; that ran on a GPU, where it takes minutes.
# PHOTOS holds the first mix as train-00.tar to train-03.tar and all others as further *.tar, and val.tar.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: train_lite.sh START.safetensors PHOTOS FOLDER" >&2
    exit 2
fi
start=$1 photos=$2 folder=$3
here=$(dirname "$0")
mkdir -p "$folder"

stage() { # of the first mix alone
    name=$1
    shift
    python "$here/train.py" --data "$photos"/train-0[0-3].tar --validation "$photos/val.tar" \
        --cache "$folder/photos.cache" --folder "$folder/$name" "$@"
}

python "$here/convert_weights.py" "$start" "$folder/start.safetensors" "$photos/train-00.tar"

stage first --start "$folder/start.safetensors" --learning-rate 5e-4 \
    --planned-pictures 140000 --late-share 0.15

# From here on the loss is what is measured, see docs/lite.md.
colors="--muon --side 224 --late-side 224 --color-weight 1 --colorfulness-weight 40"

stage second --start "$folder/first/lite.safetensors" $colors --frozen-blocks 3 \
    --learning-rate 3e-4 --planned-pictures 62752

# Learns its photographs by heart, and what can be learned of them besides.
stage long --start "$folder/second/lite.safetensors" $colors --weight-decay 0.05 \
    --batch-size 512 --learning-rate 1.2e-3 --planned-pictures 1356800

# The mean of both, which knows few photographs by heart.
stage mean --start "$folder/second/lite.safetensors" "$folder/long/lite.safetensors" --planned-pictures 0

# Of all photographs, through the colors that are shown.
python "$here/train.py" --data "$photos"/[!v]*.tar --cache "$folder/all.cache" --folder "$folder/wide" \
    --start "$folder/mean/lite.safetensors" --side 160 --late-share 0 --learning-rate 2e-4 \
    --encoder-factor 0.5 --frozen-blocks 2 --rebalancing 0.25 --shown-gain 1 --difference-weight 0.05 \
    --distance-weight 0.05 --warmup-steps 50 --planned-pictures 36896

# Two parts of the weights that all began with, whose colors are pale and whose faces are right, and three of the last.
python "$here/train.py" --data "$photos/train-04.tar" --folder "$folder/lite" --planned-pictures 0 \
    --start "$folder/start.safetensors" "$folder/start.safetensors" \
    "$folder/wide/lite.safetensors" "$folder/wide/lite.safetensors" "$folder/wide/lite.safetensors"
