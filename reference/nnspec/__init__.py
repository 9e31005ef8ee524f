"""Reference implementation of nnspec: neural networks and deep learning in JAX, Flax NNX and Optax, one function a clause."""
