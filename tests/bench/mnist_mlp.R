# The experiment mnist_mlp from one seed in plain R, for benchmarks: nothing but the arithmetic, written as fast as we
# know how in R without compiled code. No layers, no checks, no names: what twinnet's R adds to that is the price of them.
mnist_mlp_plain <- function(pixels, target, steps) {
  batch <- 100L
  units <- 200L
  set.seed(1)
  w1 <- matrix(rnorm(784 * units) / sqrt(784 * units), 784)
  w2 <- matrix(rnorm(units * units) / sqrt(units * units), units)
  w3 <- matrix(rnorm(units * 10) / sqrt(units * 10), units)
  b1 <- b2 <- numeric(units)
  b3 <- numeric(10)
  s1 <- 0 * w1
  s2 <- 0 * w2
  s3 <- 0 * w3
  t1 <- t2 <- numeric(units)
  t3 <- numeric(10)
  lr <- 0.001
  order <- sample.int(60000)
  for (step in seq_len(steps)) {
    rows <- order[(batch * (step - 1) + 1):(batch * step)]
    x <- as.integer(t(pixels[, rows])) / 255
    dim(x) <- c(batch, 784L)
    y <- target[rows, ]

    h1 <- pmax.int(0, x %*% w1 + rep.int(b1, rep.int(batch, units)))
    m1 <- (runif(batch * units) < 0.8) / 0.8
    dim(h1) <- c(batch, units)
    k1 <- h1 * m1
    h2 <- pmax.int(0, k1 %*% w2 + rep.int(b2, rep.int(batch, units)))
    m2 <- (runif(batch * units) < 0.8) / 0.8
    dim(h2) <- c(batch, units)
    k2 <- h2 * m2
    z <- k2 %*% w3 + rep.int(b3, rep.int(batch, 10L))
    z <- z - do.call(pmax.int, lapply(1:10, function(j) z[, j]))
    e <- exp(z)
    sums <- rowSums(e)
    loss <- -sum(y * (z - log(sums))) / batch

    d3 <- (e / sums - y) / batch
    d2 <- tcrossprod(d3, w3) * m2 * (h2 > 0)
    d1 <- tcrossprod(d2, w2) * m1 * (h1 > 0)

    g <- crossprod(x, d1)
    s1 <- 0.9 * s1 + (1 - 0.9) * (g * g)
    w1 <- w1 - lr * (g / sqrt(s1 + 1e-7))
    g <- crossprod(k1, d2)
    s2 <- 0.9 * s2 + (1 - 0.9) * (g * g)
    w2 <- w2 - lr * (g / sqrt(s2 + 1e-7))
    g <- crossprod(k2, d3)
    s3 <- 0.9 * s3 + (1 - 0.9) * (g * g)
    w3 <- w3 - lr * (g / sqrt(s3 + 1e-7))
    g <- colSums(d1)
    t1 <- 0.9 * t1 + (1 - 0.9) * (g * g)
    b1 <- b1 - lr * (g / sqrt(t1 + 1e-7))
    g <- colSums(d2)
    t2 <- 0.9 * t2 + (1 - 0.9) * (g * g)
    b2 <- b2 - lr * (g / sqrt(t2 + 1e-7))
    g <- colSums(d3)
    t3 <- 0.9 * t3 + (1 - 0.9) * (g * g)
    b3 <- b3 - lr * (g / sqrt(t3 + 1e-7))
  }
  loss
}
