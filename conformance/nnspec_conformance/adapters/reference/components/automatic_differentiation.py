"""The reference's functions with an edge."""

from __future__ import annotations

from nnspec.components import automatic_differentiation as edges

pairwise_maximum = edges.pairwise_maximum
maximum_reduction = edges.maximum_reduction
absolute_value = edges.absolute_value
euclidean_norm = edges.euclidean_norm
square_root = edges.square_root
selection = edges.selection
masked_square_root = edges.masked_square_root
clamp = edges.clamp
power = edges.power
product_reduction = edges.product_reduction
embedding_lookup = edges.embedding_lookup
stopped_gradient = edges.stopped_gradient
unused_parameter = edges.unused_parameter
gradient_of_squares = edges.gradient_of_squares
