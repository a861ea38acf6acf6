"""A network of infinite width and its covariance: activations, dual kernels, depth."""
