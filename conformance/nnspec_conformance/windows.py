"""How many windows fit into an axis, what is padded for them, and how far they spread: of convolutions and pooling."""

from __future__ import annotations


def extent(taps: int, dilation: int) -> int:
    """What a window reaches over: from its first tap to its last, gaps included."""
    return dilation * (taps - 1) + 1


def padded(
    length: int, taps: int, stride: int, dilation: int, padding: str, before: int, after: int
) -> tuple[int, int]:
    """The zeros before and after an axis.

    Args:
        length: of the axis.
        taps: of the window.
        stride: from one window to the next.
        dilation: from one tap to the next.
        padding: ``valid``, ``same`` with the odd zero at the end, or ``same_lower`` with it at the start.
        before: the zeros at the start, beside ``valid``.
        after: those at the end.
    """
    if padding == "valid":
        return before, after
    total = max((-(-length // stride) - 1) * stride + extent(taps, dilation) - length, 0)
    less, more = total // 2, total - total // 2
    return (more, less) if padding == "same_lower" else (less, more)


def windows(length: int, taps: int, stride: int, dilation: int, padding: str, before: int, after: int) -> int:
    """How many windows fit into an axis with its padding; the arguments are those of ``padded``."""
    zeros = sum(padded(length, taps, stride, dilation, padding, before, after))
    return max(0, (length + zeros - extent(taps, dilation)) // stride + 1)


def spread(length: int, taps: int, stride: int, dilation: int, padding: str, cropped: int, short_window: str) -> int:
    """How long a transposed convolution makes an axis.

    Args:
        length: of the axis.
        taps: of the window.
        stride: from what one input spreads to what the next one does.
        dilation: from one tap to the next.
        padding: ``valid``, or ``same`` for the length times the stride.
        cropped: places cropped less those added, beside ``valid``.
        short_window: ``filled`` where a window below the stride counts as long as the stride.
    """
    if padding == "same":
        return length * stride
    reach = extent(taps, dilation)
    return (length - 1) * stride + (max(reach, stride) if short_window == "filled" else reach) - cropped


def pooled(
    length: int,
    axis: int,
    window: tuple[int, ...],
    stride: tuple[int, ...] | str,
    padding: str,
    pads: tuple[int, ...],
    ceil_mode: bool,
) -> int:
    """How many windows a pooling puts on an axis.

    Args:
        length: of the axis.
        axis: its number among those of the window.
        window: places along each axis.
        stride: from one window to the next, or ``window`` where windows lie side by side.
        padding: as ``padded`` takes it.
        pads: two for each axis, beside ``valid``.
        ceil_mode: whether a last window may stick out, if it begins before the end of the input.
    """
    taps, step = window[axis], (window if isinstance(stride, str) else stride)[axis]
    before, after = padded(length, taps, step, 1, padding, pads[2 * axis], pads[2 * axis + 1])
    if not ceil_mode:
        return max(0, (length + before + after - taps) // step + 1)
    count = max(0, -((taps - length - before - after) // step) + 1)
    return min(count, -(-(length + before) // step))
