"""The loop and what makes it exact: windows by counter, checkpoints, locks, schedules."""
