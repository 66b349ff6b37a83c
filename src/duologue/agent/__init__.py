"""The background model: tasks, tools and generated interface beside the talk. Read `background.Agent` first."""
