# For recipes to read in: who keeps the memory that tensors leave. Their sizes change from batch to batch. glibc gives it back to the
# kernel, a third of a step's time, or lets it lie in pieces until the machine pages; jemalloc hands it out again (docs/log.md).
kept=$(find /usr/lib /usr/lib64 -name 'libjemalloc.so.2' 2>/dev/null | head -n 1)
if [ -n "$kept" ]; then
    export LD_PRELOAD="$kept" MALLOC_CONF="dirty_decay_ms:-1,muzzy_decay_ms:-1,narenas:1"
else # at least large tensors stay with the process
    export MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184
fi
