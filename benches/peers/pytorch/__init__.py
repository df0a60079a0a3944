"""The trainer's models as plain PyTorch, to be measured beside them: padded batches, autograd, `torch.optim.Adam`."""
