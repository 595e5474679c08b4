"""Tables: from what a caller has (columns of any kind) to the matrix of inputs and the vector of labels.

A table is a mapping of column names to 1-d arrays, a data frame (pandas, polars), or a matrix, whose columns are then
called V1, V2, ... as R calls them. Columns are named by position (from 0 in Python, from 1 in R) or by name.
Twin: r/R/tables.R.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twinnet._types import AnyArray, Array
from twinnet.checks import check_argument

__all__ = ["input_matrix", "label_vector", "select_columns", "table_columns"]


def table_columns(data: Any, name: str) -> dict[str, AnyArray]:
    """The columns of a table, by name.

    Parameters
    ----------
    data : mapping, data frame, or array of shape (n, d)
    name : str
        What a message calls the table.

    Returns
    -------
    dict of arrays, shape (n,)

    Raises
    ------
    ValueError
        If it is no table, has no rows or no columns, or columns of different lengths.
    """
    if hasattr(data, "columns") and not isinstance(data, Mapping):
        columns = {str(key): np.asarray(data[key]) for key in data.columns}
    elif isinstance(data, Mapping):
        columns = {str(key): np.asarray(value) for key, value in data.items()}
    else:
        matrix = np.asarray(data)
        check_argument(matrix.ndim == 2, name, data, "a table: columns by name, a data frame or a matrix")
        columns = {f"V{number}": column for number, column in enumerate(matrix.T, start=1)}
    check_argument(len(columns) > 0, name, data, "a table with at least one column")
    lengths = {len(column) if column.ndim == 1 else -1 for column in columns.values()}
    check_argument(len(lengths) == 1 and -1 not in lengths, name, data, "a table of columns of one length")
    check_argument(lengths != {0}, name, data, "a table with at least one row")
    return columns


def select_columns(columns: Mapping[str, Any], which: Any, name: str) -> list[str]:
    """Names of the columns that a caller asked for.

    Parameters
    ----------
    columns : mapping
        From `table_columns`.
    which : int, str, or sequence of them
        Positions from 0, or names.
    name : str
        What a message calls `which`.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If there is no such column, none is asked for, or one twice.
    """
    asked: list[Any] = [which] if isinstance(which, (str, int, np.integer)) else list(which)
    names = list(columns)
    must_be = f"columns of the table, by position from 0 to {len(names) - 1} or by name ({', '.join(names)})"
    found: list[str] = []
    for column in asked:
        is_position = isinstance(column, (int, np.integer)) and not isinstance(column, bool)
        known = 0 <= column < len(names) if is_position else column in names
        check_argument(known, name, column, must_be)
        found.append(names[column] if is_position else column)
    check_argument(len(found) > 0 and len(set(found)) == len(found), name, asked, must_be + ", each once")
    return found


def input_matrix(columns: Mapping[str, AnyArray], names: Sequence[str], name: str) -> Array:
    """The inputs of a table as a matrix.

    Parameters
    ----------
    columns : mapping
        From `table_columns`.
    names : sequence of str
        The input columns, in the order that the model expects; other columns do not matter.
    name : str
        What a message calls the table.

    Returns
    -------
    array, shape (n, d)

    Raises
    ------
    ValueError
        If a column is missing, not numeric, or has a missing or infinite value.
    """
    must_be = f"a table with the columns {', '.join(names)}"
    check_argument(all(column in columns for column in names), name, list(columns), must_be)
    for column in names:
        values = columns[column]
        is_number = values.dtype.kind in "iuf"
        check_argument(is_number, f"{name}[{column}]", values, "a column of numbers")
        finite = np.isfinite(values)
        if not finite.all():
            first = values[~finite][0]
            check_argument(False, f"{name}[{column}]", first, "a column of finite numbers, none missing")
    return np.asfortranarray(np.column_stack([columns[column] for column in names]), dtype=np.float64)


def label_vector(columns: Mapping[str, AnyArray], column: str, name: str) -> AnyArray:
    """The labels of a table.

    Parameters
    ----------
    columns : mapping
        From `table_columns`.
    column : str
        The label's column.
    name : str
        What a message calls the table.

    Returns
    -------
    array, shape (n,)
        Strings, whole numbers or booleans.

    Raises
    ------
    ValueError
        If the column is missing, has a missing value, or has numbers that are not whole.
    """
    check_argument(column in columns, name, list(columns), f"a table with the column {column}")
    labels = columns[column]
    if labels.dtype.kind == "O":
        missing = [label for label in labels if label is None or (isinstance(label, float) and math.isnan(label))]
        check_argument(not missing, f"{name}[{column}]", None, "a column of labels, none missing")
        labels = np.asarray(labels.tolist())
    if labels.dtype.kind == "f":
        odd = labels[~(np.isfinite(labels) & (labels == np.floor(labels)))]
        first = odd[0] if len(odd) > 0 else None
        check_argument(len(odd) == 0, f"{name}[{column}]", first, "a column of labels, none missing")
        labels = labels.astype(np.int64)
    check_argument(labels.dtype.kind in "iubU", f"{name}[{column}]", labels, "a column of labels, none missing")
    return labels
