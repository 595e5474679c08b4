uniforms <- (c(0, 1, 2^23 - 1, 2^23, 2^24 - 1, seq(5, 2^24, by = 9973)) + 1) / 2^24
angles <- f32_round(2 * pi * (uniforms - 2^-24))

test_that("the logarithms, sines and cosines are near the true ones", {
  for (logarithm in list(logf_avx2, logf_glibc)) {
    expect_lt(max(abs(logarithm(uniforms) - log(uniforms)) / pmax(abs(log(uniforms)), 0.05)), 2e-7)
  }
  for (sine_and_cosine in list(sincosf_avx2, sincosf_glibc)) {
    parts <- sine_and_cosine(angles)
    expect_lt(max(abs(parts[["sine"]] - sin(angles))), 2e-7)
    expect_lt(max(abs(parts[["cosine"]] - cos(angles))), 2e-7)
  }
})

test_that("the values are float32 values", {
  for (values in c(list(logf_avx2(uniforms), logf_glibc(uniforms)), sincosf_avx2(angles), sincosf_glibc(angles))) {
    expect_identical(f32_round(values), values)
  }
})

test_that("the exact values are exact", {
  expect_identical(logf_avx2(1), 0)
  expect_identical(logf_glibc(1), 0)
  expect_identical(sincosf_avx2(0), list(sine = 0, cosine = 1))
  expect_identical(sincosf_glibc(0), list(sine = 0, cosine = 1))
  expect_identical(sincosf_glibc(2^-13), list(sine = 2^-13, cosine = 1))
})
