# Softmax regression on small pictures. Its twin is softmax_regression.py; here a mistake is planted, to be found.

library(twinnet)

images <- record("images", aperm(array((0:143 * 7) %% 11 / 10, c(3, 4, 12))))
labels <- rep(1:3, 4)
target <- record("target", diag(3)[labels, ])
w <- record("w", matrix(0, 12, 3))

for (step in 1:10) {
  record_step(step)
  record_phase("forward")
  x <- record("x", matrix(images, 12))
  scores <- record("scores", x %*% w)
  e <- exp(scores - apply(scores, 1, max))
  p <- record("p", e / rowSums(e))
  loss <- record("loss", -mean(log(p[cbind(1:12, labels)])))
  record_phase("backward")
  d_w <- record("d_w", crossprod(x, p - target) / 12)
  record_phase("update")
  w <- record("w", w - 0.5 * d_w)
}

cat(sprintf("loss %.6f\n", loss))
