"""Benchmarks of interactivity, judged on what is heard: `trials` says what is wanted, `outcome` what happened, `score` how
well they agree. Read `quick` first; `probe` is the short look without recogniser for use while training."""
