"""Work that threads share: every part once, in order, with the same bits whatever the number of threads."""

from __future__ import annotations

import os
import threading
import time
import warnings

import numpy as np
import pytest
from twinnet import threads
from twinnet.activations import relu_backward, relu_forward
from twinnet.conv2d import conv2d_backward, conv2d_forward
from twinnet.experiment import experiment_data, experiment_override, experiment_read
from twinnet.pooling import max_pool2d_backward, max_pool2d_forward
from twinnet.threads import FEW, elementwise, shared_out, sharing
from twinnet.train import train, train_start
from twins import assert_same_bits

MANY = FEW + 1


@pytest.fixture(params=[1, 2, 3])
def count(request, monkeypatch):
    monkeypatch.setattr(threads, "threads", request.param)
    with threads.blas().limit(limits=1):
        yield request.param


def test_each_part_is_worked_on_once_and_the_results_are_in_order(count):
    done, lock = [], threading.Lock()

    def work(part):
        with lock:
            done.append(part)
        return part * part

    assert shared_out(work, 50, MANY) == [part * part for part in range(50)]
    assert sorted(done) == list(range(50))
    assert shared_out(work, 0, MANY) == []


def test_as_many_threads_work_at_a_time_as_there_are(count):
    meeting = threading.Barrier(count, timeout=60)  # broken unless as many parts as threads are begun at once
    assert len(set(shared_out(lambda _: (meeting.wait(), threading.get_ident())[1], count, MANY))) == count


def test_few_numbers_are_left_to_the_calling_thread(count):
    assert set(shared_out(lambda _: threading.get_ident(), 50, FEW)) == {threading.get_ident()}


def test_an_error_comes_out_and_no_further_part_is_begun(count):
    begun = []

    def work(part):
        begun.append(part)
        if part == 3:
            raise ValueError("part 3")

    with pytest.raises(ValueError, match="part 3"):
        shared_out(work, 10_000, MANY)
    assert len(begun) < 10_000
    assert shared_out(lambda part: part, 5, MANY) == [0, 1, 2, 3, 4]  # the threads work on


def test_ctrl_c_comes_out(count):
    caller = threading.get_ident()

    def work(part):
        if threading.get_ident() == caller:
            raise KeyboardInterrupt
        time.sleep(0.01)  # or the others take all of them before the caller comes to its first

    with pytest.raises(KeyboardInterrupt):
        shared_out(work, 10, MANY)


def test_every_thread_warns_as_the_caller_does(count):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(divide="ignore"):
            results = shared_out(lambda _: np.divide(1.0, np.zeros(3)), 20, MANY)
    assert np.isinf(results).all()
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        shared_out(lambda _: np.divide(1.0, np.zeros(3)), 20, MANY)


@pytest.mark.parametrize("blas_threads", [1, 2])
def test_sharing_takes_the_threads_of_the_blas_and_gives_them_back(blas_threads):
    def counts():
        return {library.num_threads for library in threads.blas().lib_controllers}

    with threads.blas().limit(limits=blas_threads):
        before = counts()
        with sharing():
            assert (threads.threads, counts()) == (blas_threads, {1})
            with sharing():
                assert (threads.threads, counts()) == (blas_threads, {1})
            assert (threads.threads, counts()) == (blas_threads, {1})
        assert (threads.threads, counts()) == (1, before)
        with pytest.raises(ValueError, match="inside"), sharing():
            raise ValueError("inside")
        assert (threads.threads, counts()) == (1, before)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(threads, "threads", 2)
    assert shared_out(lambda part: part, 4, MANY) == [0, 1, 2, 3]
    pid = os.fork()
    if pid == 0:
        os._exit(0 if shared_out(lambda part: part, 4, MANY) == [0, 1, 2, 3] else 1)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("shape", [(), (0,), (5,), (MANY,), (3, MANY), (40, 8, 26, 26), (1, 1, 1, MANY)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_elementwise_gives_what_the_whole_array_gives(count, shape, order, dtype):
    x = np.asarray(np.random.default_rng(1).integers(-9, 9, shape), dtype, order=order)
    y = np.asarray(np.random.default_rng(2).integers(-9, 9, shape), dtype)  # in another order than x, perhaps
    for function, other in ((np.add, y), (np.maximum, 0.5)):
        out = elementwise(function, x, other)
        assert out.dtype == dtype
        assert_same_bits(out, function(x, other), f"{function.__name__}, {shape}, {order}")


def operations(dtype: str) -> list[np.ndarray]:
    """What the operations on images give that are shared out."""
    rng = np.random.default_rng(2)
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in ((30, 5, 27, 29), (6, 5, 3, 4)))
    out, cache = conv2d_forward(x, w, rng.standard_normal(6).astype(dtype), stride=1, padding=1)
    rectified, relu_cache = relu_forward(out)
    results = [out, rectified]
    d_out = 0
    for size, stride in ((2, 2), (3, 2), (2, 3)):
        pooled, pool_cache = max_pool2d_forward(rectified, size, stride)
        d_pooled = rng.standard_normal(pooled.shape).astype(dtype)
        d_out = d_out + max_pool2d_backward(d_pooled, pool_cache)
        results += [pooled, d_out]
    d_out = relu_backward(d_out, relu_cache)
    return [*results, d_out, *conv2d_backward(d_out, cache)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_images_have_the_same_bits_whatever_the_number_of_threads(monkeypatch, dtype):
    with threads.blas().limit(limits=1):
        alone = operations(dtype)
        for count in (2, 3, 8):
            monkeypatch.setattr(threads, "threads", count)
            for number, (ours, theirs) in enumerate(zip(operations(dtype), alone, strict=True)):
                assert ours.dtype == dtype
                assert_same_bits(ours, theirs, f"result {number} with {count} threads")


def test_training_has_the_same_bits_whatever_the_number_of_threads():
    experiment = experiment_override(experiment_read("mnist_cnn_logits"), images=300)
    data, runs = experiment_data(experiment), []
    for count in (2, 3):
        with threads.blas().limit(limits=count):
            runs.append(train(experiment, data, train_start(experiment), 2))
    for key, value in runs[0]["params"].items():
        assert_same_bits(value, runs[1]["params"][key], key)
