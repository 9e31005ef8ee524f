"""What fails wherever ``keras.ops.matmul`` is called with float64 arrays."""

FLOAT32_PRODUCT = (
    "Dense(dtype='float64') on float64 has the precision of float32, and is off by 1e-7: on PyTorch keras.ops.matmul "
    "of two float64 arrays is done in float32, as result_type says; https://github.com/keras-team/keras/issues/23704"
)
