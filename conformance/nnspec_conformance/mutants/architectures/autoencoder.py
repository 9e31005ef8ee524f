"""Wrong autoencoders, each a bug that is met in the wild or easily made: encoder, decoder and sparse codes."""

from __future__ import annotations

import numpy as np

from nnspec_conformance.adapters.numpy_oracle.rounding import in_dtype
from nnspec_conformance.mutant import ORACLE as right
from nnspec_conformance.mutant import Mutants
from nnspec_conformance.oracles.architectures import autoencoder as oracle
from nnspec_conformance.oracles.components import layers

MUTANTS = Mutants(straight=["activity_penalty", "add_noise"], apart=["gaussian_divergence", "reparametrize"])
VALUE, SHAPE, SLOPE, OPTIMUM = (f"autoencoder.{name}" for name in ("value", "shape", "gradient", "principal"))


def networks(weights):
    """Encoder and decoder of a table of either operation."""
    return oracle.halves(weights, oracle.TIED if "kernel_0" in weights else oracle.PARTS)


# ---- encoder and decoder


@MUTANTS.each("the code is activated, as every other layer is", VALUE)
@in_dtype
def activates_the_code(f, x, weights, *, activation):
    encoder, decoder = networks(weights)
    code = layers.activate(layers.mlp(x, encoder, activation=activation), activation)
    return code, layers.mlp(code, decoder, activation=activation)


@MUTANTS.each("one layer and its mirror are taken for hidden layers, which are activated", VALUE)
@in_dtype
def activates_the_code_of_a_single_layer(f, x, weights, *, activation):
    code, y = f(x, weights, activation=activation)
    return (layers.activate(code, activation) if len(networks(weights)[0]) == 2 else code), y


@MUTANTS.each("the reconstruction ends with the activation: nothing beyond its range comes back", VALUE)
@in_dtype
def activates_the_reconstruction(f, x, weights, *, activation):
    code, y = f(x, weights, activation=activation)
    return code, layers.activate(y, activation)


@MUTANTS.each("codes are brought to length 1", VALUE, OPTIMUM)
@in_dtype
def normalizes_the_code(f, x, weights, *, activation):
    encoder, decoder = networks(weights)
    code = layers.mlp(x, encoder, activation=activation)
    length = np.sqrt((code * code).sum(-1, keepdims=True))
    code = code / np.where(length == 0, 1, length)
    return code, layers.mlp(code, decoder, activation=activation)


@MUTANTS.each("the decoder is fed the input's hidden layer and not the code: a skip around the bottleneck", OPTIMUM)
@in_dtype
def goes_around_the_bottleneck(f, x, weights, *, activation):
    code, y = f(x, weights, activation=activation)
    return code, y + (x - y) / 2


@MUTANTS.each("a batch of one loses its axis", SHAPE)
def loses_the_axis_of_a_single_example(f, x, weights, **given):
    return tuple(y[0] if y.ndim > 1 and len(y) == 1 else y for y in f(x, weights, **given))


@MUTANTS.each("leading axes are flattened and not restored", SHAPE)
def flattens_the_leading_axes(f, x, weights, **given):
    return tuple(y.reshape(-1, y.shape[-1]) for y in f(x, weights, **given))


@MUTANTS.add("the reconstruction twice, where the code is wanted", "autoencoder.example")
def hides_the_code(x, weights, *, activation):
    _, y = right.autoencoder(x, weights, activation=activation)
    return y, y


@MUTANTS.add("the layers of the encoder have no bias", "autoencoder.value[autoencoder]")
def forgets_the_encoder_bias(x, weights, *, activation):
    left = {name: np.zeros_like(w) if name.startswith("encoder_bias") else w for name, w in weights.items()}
    return right.autoencoder(x, left, activation=activation)


@MUTANTS.add("the decoder of tied weights subtracts the bias of the encoder before it, as an inverse would",
             "autoencoder.value[tied_autoencoder]")  # fmt: skip
@in_dtype
def takes_the_decoder_for_an_inverse(x, weights, *, activation):
    encoder, decoder = networks(weights)
    code = layers.mlp(x, encoder, activation=activation)
    last = max(int(name.split("_")[1]) for name in encoder)
    return code, layers.mlp(code - encoder[f"bias_{last}"], decoder, activation=activation)


@MUTANTS.add("a pixel of noise that stays on in use", "autoencoder.copies", "autoencoder.example")
def disturbs_in_use(x, weights, *, activation):
    noise = 0.01 * np.random.default_rng(0).standard_normal(x.shape)
    return right.autoencoder((x + noise).astype(x.dtype), weights, activation=activation)


@MUTANTS.each("a layer without a unit is taken: every input has the reconstruction of the biases", "autoencoder.units")
def answers_without_a_code(f, x, weights, **given):
    wide = {name: np.zeros([max(n, 1) for n in w.shape], w.dtype) if 0 in w.shape else w for name, w in weights.items()}
    return f(x, wide, **given)


@MUTANTS.each("the code is detached before the decoder: the encoder learns from the penalty alone", SLOPE, part="_vjp")
def detaches_the_code(f, x, weights, cotangents, **given):
    _, found = f(x, weights, cotangents, **given)
    alone, codes = f(x, weights, (cotangents[0], np.zeros_like(cotangents[1])), **given)
    return alone, {name: codes[name] if name.startswith("encoder") else g for name, g in found.items()}


@MUTANTS.each("what comes for the code itself is dropped: a penalty on it has no effect", SLOPE, part="_vjp")
def drops_the_cotangent_of_the_code(f, x, weights, cotangents, **given):
    return f(x, weights, (np.zeros_like(cotangents[0]), cotangents[1]), **given)


@MUTANTS.add("the decoder's copy of a tied kernel was made by a function that detaches",
             "autoencoder.gradient[tied_autoencoder]", part="_vjp")  # fmt: skip
def leaves_out_the_use_of_the_decoder(x, weights, cotangents, *, activation):
    encoder, decoder = oracle.halves(weights, oracle.TIED)
    _, for_encoder, _ = oracle.pulled_back(x, encoder, decoder, cotangents, activation, oracle.same)
    for_x, found = right.tied_autoencoder_vjp(x, weights, cotangents, activation=activation)
    return for_x, {n: for_encoder[n].astype(g.dtype) if n.startswith("kernel") else g for n, g in found.items()}


@MUTANTS.add("a tied kernel has the mean of the gradients of its uses", "autoencoder.gradient[tied_autoencoder]",
             part="_vjp")  # fmt: skip
def averages_the_uses(x, weights, cotangents, **given):
    for_x, found = right.tied_autoencoder_vjp(x, weights, cotangents, **given)
    return for_x, {name: (g / 2 if name.startswith("kernel") else g).astype(g.dtype) for name, g in found.items()}


@MUTANTS.each("weight decay is added to the gradient: the optimum is none", OPTIMUM, part="_vjp")
def decays_the_weights(f, x, weights, cotangents, **given):
    for_x, found = f(x, weights, cotangents, **given)
    return for_x, {name: (g + 1e-2 * weights[name]).astype(g.dtype) for name, g in found.items()}


# ---- sparse codes


@MUTANTS.add("a mean over the code, too", "activity-penalty.batch")
@in_dtype
def averages_over_the_code(code, *, strength, **given):
    return right.activity_penalty(code, strength=strength, **given) / code.shape[-1]


@MUTANTS.add("the squares, where sizes are wanted", "activity-penalty.batch")
@in_dtype
def adds_the_squares(code, *, strength, **given):
    return right.activity_penalty(code * code, strength=strength, **given)


@MUTANTS.add("strength or 1: 0 is false", "activity-penalty.batch")
def takes_a_strength_of_0_for_none(code, *, strength, **given):
    return right.activity_penalty(code, strength=strength or 1.0, **given)


@MUTANTS.add("entries of opposite signs cancel", "activity-penalty.batch")
@in_dtype
def forgets_the_absolute_value(code, *, strength, batch="mean"):
    total = strength * code.sum()
    return np.asarray(total / len(code) if batch == "mean" else total, code.dtype)


@MUTANTS.add("the slope has no sign", "activity-penalty.gradient", part="_vjp")
def forgets_the_sign(code, g, **given):
    return (np.abs(right.activity_penalty_vjp(code, g, **given)[0]) * np.sign(g),)


@MUTANTS.add("the gradient of the sum beside the value of the mean, or the reverse", "activity-penalty.gradient",
             part="_vjp")  # fmt: skip
def pulls_by_the_other_reduction(code, g, *, strength, batch="mean"):
    return right.activity_penalty_vjp(code, g, strength=strength, batch="sum" if batch == "mean" else "mean")


@MUTANTS.add("both sides of the kink are added", "activity-penalty.kink", part="_vjp")
def doubles_at_the_kink(code, g, *, strength, batch="mean"):
    (found,) = right.activity_penalty_vjp(code, g, strength=strength, batch=batch)
    return (np.where(code == 0, 2 * g * strength, found).astype(code.dtype),)


@MUTANTS.add("the mean of the divergences, where that of the mean is wanted", "sparsity-divergence.value",
             "sparsity-divergence.at-target")  # fmt: skip
@in_dtype
def compares_each_example(code, *, target):
    t = code.dtype.type(target)
    each = t * np.log(t / code) + (1 - t) * np.log((1 - t) / (1 - code))
    return np.asarray(each.mean(0).sum(), code.dtype)


@MUTANTS.add("the half of the units in use alone, as for a distribution over the units", "sparsity-divergence.value")
@in_dtype
def forgets_the_units_at_rest(code, *, target):
    t = code.dtype.type(target)
    return np.asarray((t * np.log(t / code.mean(0))).sum(), code.dtype)


@MUTANTS.add("target and mean change places", "sparsity-divergence.value")
@in_dtype
def exchanges_target_and_mean(code, *, target):
    r, t = code.mean(0), code.dtype.type(target)
    return np.asarray((r * np.log(r / t) + (1 - r) * np.log((1 - r) / (1 - t))).sum(), code.dtype)


@MUTANTS.add("a mean over the units", "sparsity-divergence.value")
@in_dtype
def averages_over_the_units(code, *, target):
    return np.asarray(right.sparsity_divergence(code, target=target) / code.shape[-1], code.dtype)


@MUTANTS.add("the difference is not divided by the variance of a coin", "sparsity-divergence.gradient",
             part="_vjp")  # fmt: skip
def forgets_the_variance_of_the_coin(code, g, *, target):
    slope = code.mean(0) - code.dtype.type(target)
    return (np.broadcast_to(g * slope / len(code), code.shape).astype(code.dtype),)


@MUTANTS.add("every example is pulled as if it were the mean", "sparsity-divergence.gradient", part="_vjp")
def pulls_each_example_alone(code, g, *, target):
    return (right.sparsity_divergence_vjp(code, g, target=target)[0] * code.dtype.type(len(code)),)


@MUTANTS.add("the slope of one of the two logarithms", "sparsity-divergence.at-target", part="_vjp")
def forgets_the_other_slope(code, g, *, target):
    slope = -code.dtype.type(target) / code.mean(0)
    return (np.broadcast_to(g * slope / len(code), code.shape).astype(code.dtype),)


@MUTANTS.add("any number is taken for a target", "sparsity-divergence.range")
def takes_any_target(code, *, target):
    return right.sparsity_divergence(code, target=min(max(target, 0.01), 0.99))


@MUTANTS.add("activations are brought to between 0 and 1", "sparsity-divergence.activations")
def clips_the_activations(code, *, target):
    return right.sparsity_divergence(np.clip(code, 0.001, 0.999), target=target)
