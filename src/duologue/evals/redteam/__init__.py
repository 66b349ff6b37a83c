"""The red team: whole sessions that try to make a model tell what the policy forbids. Read `attacks`, then `hunt`."""
