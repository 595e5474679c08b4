"""The causes by name: what to tell a porter, and where others met it."""

from __future__ import annotations

__all__ = ["CAUSES"]

RESHAPE = "reticulate #94, #951 and its array docs; rpy2 #56; rcppcnpy #12"
INDEX = "mlverse/torch #1145, PR #681, PR #1476; marginaleffects #1293"
LEVELS = "rpy2 #350, #919, #1010; feather #108; reticulate #1234"
DDOF = "numpy #9230; pandas PR #35986"
DEFAULTS = "pyfixest #260, #1077"
STREAMS = "numpy #4530; Stack Overflow 22213298; Rmath-julia #2"
SAMPLE = "workflowr #215; poppr #197; qwraps2 #72"
WEIGHTS = "mamba.py #68"
DECIMALS = "numpy PR #14503, #23870"
ARITHMETIC = "numpy #23523, #22904 (SIMD against libm); ivmte #90 (BLAS and threads); zuexact on CRAN (R's 80-bit sums)"
FLOAT32 = "the course, lesson E; PyTorch's default dtype is float32, R's numbers are float64"
LAYERS = "the course, lessons A and D"
CONVOLUTION = "the course, lessons B and C; PyTorch's Conv2d is a cross-correlation"
SOFTMAX = "PyTorch's CrossEntropyLoss takes a softmax itself; the course, lessons B and D"
DROPOUT = "Srivastava et al. 2014; the course, lessons D and E: inverted dropout divides by 1 - p while it learns"
MEANS = "Keras and PyTorch reduce by a mean, the notes in places by a sum; the course, lesson A"
OPTIMIZER = "torch.optim and keras.optimizers have other rules and defaults under the same names"
RECYCLING = "R recycles a vector down the columns, NumPy broadcasts it along the rows"

# name: (explanation, reference)
CAUSES: dict[str, tuple[str, str]] = {
    # elsewhere in the array
    "transposed": ("a matrix is transposed on one side", RESHAPE),
    "reversed_axes": ("the axes come in reverse order, as when memory is read in the other language's order", RESHAPE),
    "axis_order": ("the axes come in another order, such as channels last for channels first", RESHAPE),
    "column_major": ("one side fills or flattens column by column (R), the other row by row (NumPy, PyTorch)", RESHAPE),
    "kernel_flipped": ("the kernel is turned by 180 degrees: a convolution for a cross-correlation", CONVOLUTION),
    "reversed": ("an axis is run through backwards", INDEX),
    "index_off_by_one": ("an index counts from 0 on one side and from 1 on the other, or is off by one", INDEX),
    "classes_permuted": ("the classes come in another order: levels by appearance, by name or by number", LEVELS),
    "columns_permuted": ("the columns come in another order", LEVELS),
    "rows_permuted": ("the rows come in another order: sorted, merged or shuffled on one side", LEVELS),
    "elements_permuted": ("the same numbers stand in other places", RESHAPE),
    "other_rows": ("these are rows of the same data, but other ones: another split or another sample", SAMPLE),
    # another size
    "sign": ("a sign is wrong", LAYERS),
    "factor_two": ("a factor of 2 is missing or too many, as that of 1/2 of a square", LAYERS),
    "sum_for_mean": ("a sum for a mean, or a mean for a sum", MEANS),
    "mean_over_outputs": ("the mean is taken over the outputs too, not over the rows alone", MEANS),
    "n_minus_one": ("n - 1 for n: the variance of a sample (R's var, sd, scale) for that of a population", DDOF),
    "nominal_batch": ("divided by the batch's size as it is set, not by the rows of a last, smaller batch", MEANS),
    "scaled": ("one side is the other times a constant", MEANS),
    "pixel_scale": ("pixels from 0 to 255 on one side, from 0 to 1 on the other, or divided by 256", LAYERS),
    "variance_for_sd": ("a standard deviation is squared: a variance for it", DDOF),
    "dropout_scale": ("dropout scales what it keeps wrongly, or at the wrong time", DROPOUT),
    "columns_standardised": ("the columns are brought to another scale: by the means and sds of other rows", DDOF),
    "not_standardised": ("the columns are not standardised", DDOF),
    "row_scaled": ("each row is the other side's times a constant of its own", SOFTMAX),
    "rescaled": ("one side is the other times a constant plus a constant: another range, or smoothed labels", DDOF),
    "offset": ("one side is the other plus a constant", LAYERS),
    "bias": ("the difference is the same in every row: a bias that one side lacks or adds twice", LAYERS),
    "row_offset": ("the difference is the same along each row, as that of scores and their log-softmax", SOFTMAX),
    "constant": ("one side is the same number throughout", RECYCLING),
    "zeros": ("one side is 0 throughout: never filled, or multiplied away", LAYERS),
    # a function too many or too few
    "float32": ("one side was calculated or stored as float32", FLOAT32),
    "rounded": ("one side is rounded to a few decimals", DECIMALS),
    "truncated": ("one side is cut to whole numbers", DECIMALS),
    "absolute": ("one side has lost its signs", LAYERS),
    "missing_root": ("a square root is missing or too many", DDOF),
    "missing_activation": ("the activation is left out on one side", LAYERS),
    "doubled_activation": ("the activation is applied twice", LAYERS),
    "other_activation": ("another activation", DEFAULTS),
    "max_for_pmax": ("max(), the largest of all, for pmax(), the larger of two in each place", RECYCLING),
    "missing_softmax": ("the softmax is left out on one side, or only its exponentials are taken", SOFTMAX),
    "doubled_softmax": ("the softmax is applied twice, as where the loss takes one itself", SOFTMAX),
    "softmax_axis": ("the softmax runs over the rows (a batch) in place of the classes", SOFTMAX),
    "log_for_plain": ("a logarithm on one side, the plain number on the other", SOFTMAX),
    "log_base": ("a logarithm to another base", DEFAULTS),
    "epsilon_in_log": ("a small number is added inside the logarithm", "the course, lesson D: log(p + 1e-7)"),
    "norm_for_square": ("the norm in place of its square", LAYERS),
    "l1_for_l2": ("absolute values in place of squares", LAYERS),
    "nan_pattern": (
        "one side has NaN or infinity where the other has numbers: 0 / 0, 0 log 0, or overflow",
        ARITHMETIC,
    ),
    # layers
    "missing_operation": ("the operation is left out: what went in comes out", LAYERS),
    "another_tensor": ("it is another tensor, which was recorded before", LAYERS),
    "term": ("a term is missing or too many", LAYERS),
    "missing_bias": ("the bias is left out", LAYERS),
    "doubled_bias": ("the bias is added twice", LAYERS),
    "recycled": ("a vector is recycled along the wrong dimension", RECYCLING),
    "wrong_input": ("the operation is given the wrong one of two arrays of one shape", LAYERS),
    "padding": ("another padding", CONVOLUTION),
    "stride": ("another stride", CONVOLUTION),
    "other_pool": ("another kind of pooling", CONVOLUTION),
    "pool_ties": ("of equal maxima another one gets the gradient", CONVOLUTION),
    "pool_everywhere": ("all places of a window get the gradient of its maximum", CONVOLUTION),
    "missing_dropout": ("dropout is left out", DROPOUT),
    "mask_inverted": ("what should be kept is dropped, and what should be dropped is kept", DROPOUT),
    "dropout_probability": ("the probability of dropping stands for that of keeping", DROPOUT),
    "missing_noise": ("the noise is left out", LAYERS),
    "noise_multiplied": ("the noise is multiplied, not added", LAYERS),
    # gradients
    "missing_derivative": ("the gradient is passed on without the derivative", LAYERS),
    "doubled_derivative": ("the derivative is taken twice", SOFTMAX),
    "derivative_of_input": ("the derivative's formula is for the output, and it is given the input, or twice", LAYERS),
    "derivative_incomplete": ("a part of the derivative is missing", LAYERS),
    "combined_derivative": ("the gradient of a softmax and its loss in one, where the softmax has its own", SOFTMAX),
    "relu_at_zero": ("the derivative of ReLU at 0 is not 0", "the course, lesson A; PyTorch has 0"),
    "jacobian_diagonal": ("of the softmax's derivative the diagonal alone", SOFTMAX),
    "target_missing": ("the target is not subtracted", LAYERS),
    "first_row": ("one row in place of the sum over all", MEANS),
    "updated_weights": ("the weights were updated before all gradients were taken", LAYERS),
    "missing_l2": ("the L2 penalty is left out", LAYERS),
    "l2_factor": ("the gradient of the L2 penalty has another factor: 2 for 1/2 of a square", LAYERS),
    "l2_on_biases": ("the L2 penalty is taken of the biases too", LAYERS),
    "layers_left_out": ("a part of the layers is left out", LAYERS),
    # updates
    "not_updated": ("it is not updated", LAYERS),
    "stale_parameters": ("the parameters of an earlier step are used", LAYERS),
    "stale_gradients": ("the gradients of an earlier step are used", LAYERS),
    "learning_rate": ("another learning rate", OPTIMIZER),
    "momentum_sign": ("the momentum has the wrong sign", OPTIMIZER),
    "momentum_damping": ("the gradient is damped by 1 - momentum on one side", OPTIMIZER),
    "nesterov": ("Nesterov's momentum on one side, plain momentum on the other", OPTIMIZER),
    "bias_correction": ("Adam's correction for having started from 0 is missing or off by a step", OPTIMIZER),
    "other_default": ("a setting has the default of another library", OPTIMIZER),
    "epsilon_place": ("epsilon is inside the root on one side, outside it on the other", OPTIMIZER),
    "epsilon_value": ("another epsilon", OPTIMIZER),
    "decay_swapped": ("two rates of decay are swapped, or one stands for its complement", OPTIMIZER),
    "decoupled_decay": ("the weight decay is taken off the weights, not added to the gradient", OPTIMIZER),
    "aliased": ("two arrays share their memory: what is written to one is in the other", "NumPy's views; R copies"),
    "state_not_kept": ("the optimizer's state is not kept from step to step", OPTIMIZER),
    # randomness
    "stream_shifted": ("both draw from one stream, but one has drawn more before", STREAMS),
    "other_seed": ("another seed", WEIGHTS),
    "other_generator": ("another generator, which draws other numbers from the same seed", STREAMS),
    "sample_rounding": ("sample() as it was before R 3.6.0: Rounding for Rejection", SAMPLE),
    "other_distribution": ("another distribution", WEIGHTS),
    "not_shuffled": ("the rows are not shuffled", SAMPLE),
    "not_reshuffled": ("every epoch has the order of the first", SAMPLE),
    "with_replacement": ("rows are drawn with replacement", SAMPLE),
    "inverse_order": ("the places of the rows stand for the rows: order() of an order, or an index into it", INDEX),
    "drawn_once": ("one draw serves all rows, or all units", RECYCLING),
    "last_batch_dropped": ("the last, smaller batch is dropped", "PyTorch's drop_last; Keras keeps it"),
    # nothing but arithmetic
    "rounding": ("nothing but rounding: another order of sums, another library, threads or SIMD", ARITHMETIC),
}
