# Lesson A's code, as a course writes it in R: nothing of the package, no care for rounding. Its twin in NumPy is
# lesson_a.py; test_base_r.py runs this on the reference BLAS and compares every bit.
# Rscript lesson_a.R SEED MAXIT FILE writes the losses, W1, b1, W2 and b2 to FILE as doubles, and prints R's BLAS.
# Sourced, it defines train.dnn(), which bench_iris.py takes for R's peer.

train.dnn <- function(x, y, traindata, hidden = 6, maxit = 2000, lr = 1e-2, reg = 1e-3, random.seed = 1) {
  set.seed(random.seed)
  N <- nrow(traindata)
  X <- unname(data.matrix(traindata[, x]))
  Y <- as.integer(traindata[, y])
  K <- length(unique(Y))
  Y.index <- cbind(1:N, Y)
  W1 <- 0.01 * matrix(rnorm(ncol(X) * hidden), nrow = ncol(X))
  b1 <- matrix(0, nrow = 1, ncol = hidden)
  W2 <- 0.01 * matrix(rnorm(hidden * K), nrow = hidden)
  b2 <- matrix(0, nrow = 1, ncol = K)
  losses <- c()
  for (i in 1:maxit) {
    hidden.layer <- sweep(X %*% W1, 2, b1, "+")
    hidden.layer <- pmax(hidden.layer, 0)
    score <- sweep(hidden.layer %*% W2, 2, b2, "+")
    score <- sweep(score, 1, apply(score, 1, max), "-")
    score.exp <- exp(score)
    probs <- sweep(score.exp, 1, rowSums(score.exp), "/")
    data.loss <- sum(-log(probs[Y.index])) / N
    losses[i] <- data.loss + 0.5 * reg * (sum(W1^2) + sum(W2^2))
    dscores <- probs
    dscores[Y.index] <- dscores[Y.index] - 1
    dscores <- dscores / N
    dW2 <- t(hidden.layer) %*% dscores + reg * W2
    db2 <- colSums(dscores)
    dhidden <- dscores %*% t(W2)
    dhidden[hidden.layer <= 0] <- 0
    dW1 <- t(X) %*% dhidden + reg * W1
    db1 <- colSums(dhidden)
    W1 <- W1 - lr * dW1
    b1 <- b1 - lr * db1
    W2 <- W2 - lr * dW2
    b2 <- b2 - lr * db2
  }
  list(losses = losses, W1 = W1, b1 = b1, W2 = W2, b2 = b2)
}

if (sys.nframe() == 0) {
  arguments <- commandArgs(TRUE)
  set.seed(1)
  samp <- c(sample(1:50, 25), sample(51:100, 25), sample(101:150, 25))
  model <- train.dnn(1:4, 5, iris[samp, ], maxit = as.integer(arguments[2]), random.seed = as.integer(arguments[1]))
  writeBin(unlist(model), arguments[3])
  cat(extSoftVersion()[["BLAS"]])
}
