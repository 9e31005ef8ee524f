"""What the source claims of convolutional layers."""
