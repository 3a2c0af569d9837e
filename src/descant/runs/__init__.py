"""What lets long work die and go on: checkpoints, locks, requests to stop."""
