"""What Keras 3 does on every backend: the operations, which the adapter of a backend takes by its ``TOPICS``."""
