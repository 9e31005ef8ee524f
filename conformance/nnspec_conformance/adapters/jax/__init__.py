"""What adapters of something on JAX share: the transport, and what anything that calls JAX's kernels does."""
