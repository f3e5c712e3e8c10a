"""The density graph over torch tensors: any batch shape, any device, autograd."""
