r"""Cross-entropy, the loss of classification, and the Kullback-Leibler divergence.

Each gives one number for every example unless ``reduction`` says otherwise. Half precision is computed in float32 and
rounded once. Entries are checked where they are known: a compiled program cannot raise for a number.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from nnspec import elementary
from nnspec.checking import Fraction, Positive, checked
from nnspec.components.activations import log_softmax
from nnspec.components.losses._reduction import Reduction, reduced, weighted, wide
from nnspec.entries import between_0_and_1, classes_of, distributions, held, not_negative

__all__ = [
    "Reduction", "binary_cross_entropy", "cross_entropy", "cross_entropy_with_integer_labels", "kl_divergence",
    "sigmoid_binary_cross_entropy", "softmax_cross_entropy", "softmax_cross_entropy_with_integer_labels",
]  # fmt: skip


@checked
@held(labels=classes_of("logits", ignored="ignore_label"), class_weights=not_negative)
@partial(jax.jit, static_argnames=("label_smoothing", "ignore_label", "reduction"))
def softmax_cross_entropy_with_integer_labels(
    logits: Float[Array, "*batch classes"],
    labels: Int[Array, "*batch"],
    class_weights: Float[Array, "classes"] | None = None,
    *,
    label_smoothing: Fraction = 0.0,
    ignore_label: int | None = None,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give minus the logarithm of the probability that the softmax of the logits gives to each label.

    With $p = \operatorname{softmax}(z)$, $\varepsilon$ = ``label_smoothing``, $w$ = ``class_weights``, and $y$ one-hot:
    $\ell = -\sum_c w_c t_c \log p_c$, $t = (1 - \varepsilon) y + \varepsilon / K$   [cross-entropy.value][],
    [class-weights.value][], [softmax-cross-entropy.smoothing][]

    Args:
        logits: $z$, any float dtype; $-\infty$ is allowed where a class has no share in $t$.
        labels: the class of each example, 0 to $K - 1$.
        class_weights: not negative, one a class; 1 for all if left out.
        label_smoothing: the share of $t$ that is spread over all classes, in $[0, 1)$.
        ignore_label: a label whose examples count for nothing.
        reduction: ``mean`` divides by the number of labels that count, or by the sum of their weights.

    Returns:
        One loss for each label, or a single number; a mean over nothing is 0. In a compiled program a label that is no
        class gives NaN.

    Raises:
        ValueError: a label is no class; a class weight is negative; ``label_smoothing`` is not in [0, 1).

    Source: Goodfellow, Bengio and Courville 2016, section 6.2.2; Szegedy et al. 2016, section 7.
    """
    K, eps = logits.shape[-1], label_smoothing
    log_p = log_softmax(wide(logits))  # [*batch, classes]
    y = labels[..., None] == jnp.arange(K)  # one-hot; no indexing, so that the backward pass needs no scatter
    w = jnp.ones(K, log_p.dtype) if class_weights is None else class_weights.astype(log_p.dtype)
    t = (1 - eps) * y.astype(log_p.dtype) + eps / K
    loss = -jnp.sum(_times(w * t, log_p), -1)
    loss = jnp.where(y.any(-1), loss, jnp.nan)  # no class
    kept = jnp.ones(labels.shape, bool) if ignore_label is None else labels != ignore_label
    loss = jnp.where(kept, loss, 0)
    return reduced(loss, reduction, logits.dtype, jnp.sum(jnp.where(kept[..., None] & y, w, 0)))


@checked
@held(target=distributions)
@partial(jax.jit, static_argnames="reduction")
def softmax_cross_entropy(
    logits: Float[Array, "*batch classes"],
    target: Float[Array, "*batch classes"],
    sample_weights: Float[Array, "*batch"] | None = None,
    *,
    label_smoothing: Fraction = 0.0,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give the cross-entropy of a target distribution and the softmax of the logits.

    With $p = \operatorname{softmax}(z)$, $\varepsilon$ = ``label_smoothing``: $\ell = -\sum_c t'_c \log p_c$,
    $t' = (1 - \varepsilon)\, t + \varepsilon / K$   [cross-entropy.value][], [softmax-cross-entropy.smoothing][]

    Args:
        logits: $z$, any float dtype; $-\infty$ is allowed where $t'$ is 0.
        target: $t$, rows that sum to 1; a one-hot row is a label.
        sample_weights: a factor for each loss; a loss with the factor 0 counts for nothing, whatever it is.
        label_smoothing: the share of $t'$ that is spread over all classes, in $[0, 1)$.
        reduction: ``mean`` divides by the number of examples, or by the sum of their weights.

    Returns:
        One loss for each example, or a single number; a mean over nothing is 0.

    Raises:
        ValueError: a row of ``target`` is no distribution; ``label_smoothing`` is not in [0, 1).

    Source: Goodfellow, Bengio and Courville 2016, section 6.2.2; Szegedy et al. 2016, section 7.
    """
    t = (1 - label_smoothing) * wide(target) + label_smoothing / logits.shape[-1]
    loss = -jnp.sum(_times(t, log_softmax(wide(logits))), -1)
    loss, count = weighted(loss, sample_weights)
    return reduced(loss, reduction, logits.dtype, count)


@checked
@held(probabilities=distributions, labels=classes_of("probabilities"))
@partial(jax.jit, static_argnames="reduction")
def cross_entropy_with_integer_labels(
    probabilities: Float[Array, "*batch classes"], labels: Int[Array, "*batch"], *, reduction: Reduction = "none"
) -> Float[Array, "..."]:
    r"""Give minus the logarithm of the probability of each label.

    $\ell = -\log p_y$, infinite at $p_y = 0$   [cross-entropy.value][], [cross-entropy.clipping][]

    Args:
        probabilities: $p$, rows that sum to 1.
        labels: the class of each example, 0 to $K - 1$.
        reduction: ``mean`` divides by the number of labels.

    Returns:
        One loss for each label, or a single number; in a compiled program a label that is no class gives NaN.

    Raises:
        ValueError: a label is no class; a row of ``probabilities`` is no distribution.

    Source: Goodfellow, Bengio and Courville 2016, section 5.5.
    """
    y = labels[..., None] == jnp.arange(probabilities.shape[-1])  # one-hot
    p_y = jnp.sum(jnp.where(y, wide(probabilities), 0), -1)
    return reduced(-jnp.log(jnp.where(y.any(-1), p_y, jnp.nan)), reduction, probabilities.dtype)


@checked
@held(probabilities=distributions, target=distributions)
@partial(jax.jit, static_argnames="reduction")
def cross_entropy(
    probabilities: Float[Array, "*batch classes"],
    target: Float[Array, "*batch classes"],
    *,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give the cross-entropy of a target distribution and predicted probabilities.

    $\ell = -\sum_c t_c \log p_c$, with $0 \log 0 = 0$   [cross-entropy.value][], [cross-entropy.clipping][]

    Args:
        probabilities: $p$, rows that sum to 1.
        target: $t$, rows that sum to 1.
        reduction: ``mean`` divides by the number of examples.

    Returns:
        One loss for each example, or a single number.

    Raises:
        ValueError: a row of either is no distribution.

    Source: Goodfellow, Bengio and Courville 2016, equation 3.51.
    """
    loss = -jnp.sum(_times_log(wide(target), wide(probabilities)), -1)
    return reduced(loss, reduction, probabilities.dtype)


@checked
@held(target=between_0_and_1)
@partial(jax.jit, static_argnames="reduction")
def sigmoid_binary_cross_entropy(
    logits: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    sample_weights: Float[Array, "*batch"] | None = None,
    *,
    positive_weight: Positive = 1.0,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give the cross-entropy of a yes or no and the sigmoid of a logit.

    With $w$ = ``positive_weight``: $\ell = w\, t \log(1 + e^{-x}) + (1 - t) \log(1 + e^{x})$
    [cross-entropy.value][], [binary-cross-entropy.positive-weight][]

    Args:
        logits: $x$, the log-odds of yes, any float dtype.
        target: $t$, 1 for yes and 0 for no, or the probability of yes.
        sample_weights: a factor for each loss; a loss with the factor 0 counts for nothing, whatever it is.
        positive_weight: factor of the term of yes; positive.
        reduction: ``mean`` divides by the number of elements, or by the sum of their weights.

    Returns:
        One loss for each element, or a single number.

    Raises:
        ValueError: a target is outside [0, 1]; ``positive_weight`` is not positive and finite.

    Source: Goodfellow, Bengio and Courville 2016, equations 6.20 to 6.26.
    """
    x, t = wide(logits), wide(target)
    loss = positive_weight * t * elementary.softplus(-x) + (1 - t) * elementary.softplus(x)
    loss, count = weighted(loss, sample_weights)
    return reduced(loss, reduction, logits.dtype, count)


@checked
@held(probabilities=between_0_and_1, target=between_0_and_1)
@partial(jax.jit, static_argnames="reduction")
def binary_cross_entropy(
    probabilities: Float[Array, "*batch"],
    target: Float[Array, "*batch"],
    sample_weights: Float[Array, "*batch"] | None = None,
    *,
    positive_weight: Positive = 1.0,
    reduction: Reduction = "none",
) -> Float[Array, "..."]:
    r"""Give the cross-entropy of a yes or no and a predicted probability.

    With $w$ = ``positive_weight``: $\ell = -w\, t \log p - (1 - t) \log(1 - p)$, with $0 \log 0 = 0$
    [cross-entropy.value][], [cross-entropy.clipping][]

    Args:
        probabilities: $p$, the probability of yes.
        target: $t$, 1 for yes and 0 for no, or the probability of yes.
        sample_weights: a factor for each loss; a loss with the factor 0 counts for nothing, whatever it is.
        positive_weight: factor of the term of yes; positive.
        reduction: ``mean`` divides by the number of elements, or by the sum of their weights.

    Returns:
        One loss for each element, or a single number.

    Raises:
        ValueError: an entry is outside [0, 1]; ``positive_weight`` is not positive and finite.

    Source: Goodfellow, Bengio and Courville 2016, section 5.5.
    """
    p, t = wide(probabilities), wide(target)
    certain = (t == 1) & (p == 1)  # there the term of no and its slope are 0
    no = (1 - t) * elementary.log_of_rest(jnp.where(certain, 0, p))
    loss, count = weighted(-positive_weight * _times_log(t, p) - no, sample_weights)
    return reduced(loss, reduction, probabilities.dtype, count)


@checked
@held(p=distributions, q=distributions)
@partial(jax.jit, static_argnames="reduction")
def kl_divergence(
    p: Float[Array, "*batch classes"], q: Float[Array, "*batch classes"], *, reduction: Reduction = "none"
) -> Float[Array, "..."]:
    r"""Give the Kullback-Leibler divergence of q from p: what it costs to expect q where p is true.

    $D(p \,\|\, q) = \sum_c p_c \log (p_c / q_c)$, with $0 \log 0 = 0$   [kl-divergence.direction][]

    Args:
        p: the distribution under which the mean is taken, rows that sum to 1.
        q: the other one.
        reduction: ``mean`` divides by the number of rows.

    Returns:
        One divergence for each row, or a single number; infinite where q is 0 and p is not.

    Raises:
        ValueError: a row of either is no distribution.

    Source: Kullback and Leibler 1951, equation 2.4.
    """
    a, b = wide(p), wide(q)
    zero = a == 0  # there the term and its slope for b are 0, also where b is 0
    log_ratio = jnp.log(jnp.where(zero, 1, a)) - jnp.log(jnp.where(zero, 1, b))
    return reduced(jnp.sum(a * log_ratio, -1), reduction, p.dtype)


def _times(t: Array, log_p: Array) -> Array:
    """The product, and 0 for 0 times infinity, with a gradient of 0 there."""
    nothing = (t == 0) & jnp.isinf(log_p)
    return jnp.where(nothing, 0, t * jnp.where(nothing, 0, log_p))


def _times_log(t: Array, p: Array) -> Array:
    """The product t log p, and 0 where both are 0, with a gradient of 0 there."""
    return t * jnp.log(jnp.where((t == 0) & (p == 0), 1, p))
