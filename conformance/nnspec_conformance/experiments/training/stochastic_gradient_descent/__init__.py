"""What the source claims of stochastic gradient descent."""
