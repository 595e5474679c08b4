# The order in which PyTorch's DataLoader visits its data, epoch by epoch.
# A loop `for batch in loader` draws from PyTorch's generator when it starts: a seed for worker processes,
# even if there are none, and then, where the data are shuffled, a seed for the sampler, whose own generator
# permutes them. A loader made with `generator=` draws both the workers' seed and the permutation from that generator,
# and at the end of the epoch one more permutation, of which it takes nothing. Source: PyTorch's
# torch/utils/data/dataloader.py, _BaseDataLoaderIter, and torch/utils/data/sampler.py, RandomSampler and
# BatchSampler; proven for num_workers=0. Twin: python/twinnet/data_loader.py.

#' The order in which PyTorch's DataLoader visits its data
#'
#' `data_loader_order()` gives the order of the epoch that starts now. Call it where the loop over the
#' loader starts: draws from the same generator before and after it, as dropout makes between the batches,
#' then fall where they fall in PyTorch. `data_loader_batches()` cuts an order into batches.
#'
#' @param generator A [TorchGenerator()]: it stands for PyTorch's default generator or, with
#'   `own_generator`, for the one given to the loader.
#' @param n How many data there are.
#' @param shuffle Whether the loader shuffles. If not, it still draws the workers' seed.
#' @param own_generator Whether the loader was made with `generator=`.
#' @param finish With `own_generator`: whether to draw, at once, the permutation that PyTorch draws when the
#'   epoch ends. If the same generator is used between the batches, say `FALSE`, and call
#'   `generator$randperm(n)` at the end: after the last batch, or before it if that is a smaller one.
#'   Say `FALSE` too if the loop is left early: then PyTorch does not draw it.
#' @param order From `data_loader_order()`.
#' @param batch_size The size of a batch.
#' @param drop_last Whether to leave out a smaller batch at the end.
#' @return Positions as PyTorch counts them, from 0: a vector of n, or a list of vectors, one a batch.
#' @source PyTorch's `torch/utils/data/dataloader.py`, `_BaseDataLoaderIter`, and
#'   `torch/utils/data/sampler.py`, `RandomSampler` and `BatchSampler`.
#' @examples
#' generator <- TorchGenerator(0)
#' for (epoch in 1:2) {
#'   for (batch in data_loader_batches(data_loader_order(generator, 10), batch_size = 4)) {
#'     print(batch)
#'   }
#' }
#' @export
data_loader_order <- function(generator, n, shuffle = TRUE, own_generator = FALSE, finish = TRUE) {
  check_flag(shuffle, "shuffle")
  check_flag(own_generator, "own_generator")
  check_flag(finish, "finish")
  n <- check_whole(n, "n", if (shuffle) 1 else 0)
  generator$random_(1) # the workers' seed
  if (!shuffle) {
    return(seq_len(n) - 1L)
  }
  if (!own_generator) {
    return(TorchGenerator(generator$random_(1), generator$variant)$randperm(n))
  }
  order <- generator$randperm(n)
  if (finish) {
    generator$randperm(n)
  }
  order
}

#' @rdname data_loader_order
#' @export
data_loader_batches <- function(order, batch_size = 1, drop_last = FALSE) {
  batch_size <- check_whole(batch_size, "batch_size", 1)
  last <- length(order)
  if (check_flag(drop_last, "drop_last")) {
    last <- last - last %% batch_size
  }
  starts <- seq_len(ceiling(last / batch_size)) * batch_size - batch_size
  lapply(starts, function(start) order[(start + 1):min(start + batch_size, last)])
}
