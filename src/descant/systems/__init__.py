"""What is trained: layers, a loss, and what they can generate."""
