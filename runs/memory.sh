# For recipes to read in: who keeps the memory that tensors leave. Their sizes change from batch to batch. glibc gives it back to the
# kernel, a third of a step's time, or lets it lie in pieces until the machine pages; jemalloc hands it out again, for twenty seconds: for
# ever is until the machine has no more (docs/log.md). Large tensors need a word more, `duologue.train.memory`.
kept=$(find /usr/lib /usr/lib64 -name 'libjemalloc.so.2' 2>/dev/null | head -n 1)
if [ -n "$kept" ]; then
    export LD_PRELOAD="$kept" MALLOC_CONF="oversize_threshold:0,thp:always,dirty_decay_ms:20000,muzzy_decay_ms:0,narenas:1"
else # at least large tensors stay with the process
    export MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184
fi
