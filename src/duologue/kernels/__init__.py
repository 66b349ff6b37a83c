"""Operations that the model is written in, passed around as plain functions and never patched into torch."""
