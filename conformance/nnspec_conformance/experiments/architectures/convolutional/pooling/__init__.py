"""What the source claims of pooling."""
