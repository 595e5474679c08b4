# Logistic regression on two species of iris, by gradient descent. Its twin is logistic_regression.py.

library(twinnet)

rows <- iris[51:150, ]
x <- record("x", as.matrix(rows[, c("Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width")]))
y <- record("y", (rows[["Species"]] == "virginica") * 1)
w <- rep(0, 4)
b <- 0

for (step in 1:20) {
  record_step(step)
  p <- record("p", 1 / (1 + exp(-(as.vector(x %*% w) + b))))
  loss <- record("loss", -mean(y * log(p) + (1 - y) * log(1 - p)))
  d_w <- record("d_w", as.vector(crossprod(x, p - y)) / length(y))
  d_b <- record("d_b", mean(p - y))
  w <- w - 0.1 * d_w
  b <- b - 0.1 * d_b
}

cat(sprintf("loss %.6f, accuracy %.2f\n", loss, mean((p > 0.5) == y)))
