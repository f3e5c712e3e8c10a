"""Is the model any good: ArviZ groups, leave-one-out, predictive checks, sensitivity to the priors."""
