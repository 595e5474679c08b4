# The peer of the benchmark: the course's iris network as a straightforward R program writes it, with sweep(), t(),
# colSums() and apply(). Same network, same steps as train() of the package.
train_sweep <- function(x, labels, hidden, maxit, lr, reg, seed) {
  set.seed(seed)
  n <- nrow(x)
  k <- max(labels)
  at_label <- cbind(seq_len(n), labels)
  w1 <- 0.01 * matrix(rnorm(ncol(x) * hidden), ncol(x), hidden)
  b1 <- matrix(0, nrow = 1, ncol = hidden)
  w2 <- 0.01 * matrix(rnorm(hidden * k), hidden, k)
  b2 <- matrix(0, nrow = 1, ncol = k)
  losses <- numeric(maxit)
  for (i in seq_len(maxit)) {
    hidden_layer <- sweep(x %*% w1, 2, b1, "+")
    hidden_layer <- pmax(hidden_layer, 0)
    score <- sweep(hidden_layer %*% w2, 2, b2, "+")
    score <- sweep(score, 1, apply(score, 1, max), "-")
    score_exp <- exp(score)
    probs <- sweep(score_exp, 1, rowSums(score_exp), "/")
    losses[i] <- sum(-log(probs[at_label])) / n + 0.5 * reg * (sum(w1 * w1) + sum(w2 * w2))
    dscores <- probs
    dscores[at_label] <- dscores[at_label] - 1
    dscores <- dscores / n
    dw2 <- t(hidden_layer) %*% dscores + reg * w2
    db2 <- colSums(dscores)
    dhidden <- dscores %*% t(w2)
    dhidden[hidden_layer <= 0] <- 0
    dw1 <- t(x) %*% dhidden + reg * w1
    db1 <- colSums(dhidden)
    w1 <- w1 - lr * dw1
    b1 <- b1 - lr * db1
    w2 <- w2 - lr * dw2
    b2 <- b2 - lr * db2
  }
  losses
}
