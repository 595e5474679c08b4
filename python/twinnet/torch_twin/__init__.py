"""The same networks as a PyTorch user would write them: modules, autograd and torch.optim."""

DEVICES = ("auto", "cpu", "cuda")  # here, where nothing loads PyTorch
