import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sphfield.spectra.rows import check_unit_rows, read_rows, unit_rows

X = np.array([[3.0, 4.0], [-1.0, 0.0], [2.0, -2.0]])


@given(
    arrays(np.float64, (5, 3), elements=st.floats(-1.0, 1.0).filter(lambda v: abs(v) > 1e-3)), st.integers(-300, 300)
)
def test_rows_become_unit_vectors_in_their_own_direction_at_any_scale(x, exponent):
    rows = unit_rows(x * 10.0**exponent)
    # three roundings and a square root
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, rtol=0, atol=1e-15)
    np.testing.assert_allclose(rows, x / np.linalg.norm(x, axis=1, keepdims=True), rtol=1e-14)
    assert check_unit_rows(rows) is rows


def test_whole_numbers_are_data_and_are_not_changed():
    images = np.array([[0, 255], [3, 4]], dtype=np.uint8)
    assert unit_rows(images).tolist() == [[0.0, 1.0], [0.6, 0.8]]
    assert images.dtype == np.uint8


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"shape \(2,\): give shape \(n, d\), one input to a row"),
        (np.ones((2, 3, 3)), ValueError, r"x.reshape\(len\(x\), -1\) makes rows of images"),
        (np.ones((0, 3)), ValueError, r"shape \(0, 3\)"),
        ([[1.0, np.nan], [1.0, 1.0], [np.inf, 0.0]], ValueError, "2 of 3 rows hold NaN or infinite numbers, .* row 0"),
        ([[1.0, 1.0], [0.0, 0.0]], ValueError, "1 of 2 rows are zero, the first is row 1: .*drop them"),
        ([[1j, 1.0]], TypeError, "type complex128"),
        ([["a", "b"]], TypeError, "give real numbers"),
    ],
)
def test_what_has_no_direction_is_refused(x, error, message):
    with pytest.raises(error, match=message):
        unit_rows(x)


@pytest.mark.parametrize(
    ("x", "message"), [([1.0], r"shape \(1,\)"), (X, r"3 of 3|2 of 3 rows of x .* unit_rows\(x\)")]
)
def test_rows_that_are_not_of_norm_one_are_refused_where_they_must_be(x, message):
    with pytest.raises(ValueError, match=message):
        check_unit_rows(x)


def test_files_hold_the_same_rows_in_every_format(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "x.npz", inputs=X)
    np.savetxt(tmp_path / "plain.csv", X, delimiter=",")
    (tmp_path / "header.csv").write_text("\ufeffa, b\r\n3,4\r\n\r\n-1, 0\r\n2e0,-2\r\n", encoding="utf-8")
    for name in ("x.npy", "x.npz", "plain.csv", "header.csv"):
        np.testing.assert_array_equal(read_rows(tmp_path / name), unit_rows(X), err_msg=name)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.txt", "1,2\n", r"ends in '.txt': data are read from .npy, .npz and .csv"),
        ("x.csv", "a,b\n1,2\n3,x\n", "line 3, column 2 is 'x', not a number"),
        ("x.csv", "1,2,cat\n", "line 1, column 3 is 'cat'"),
        ("x.csv", "a,b\nc,d\n", "line 2, column 1 is 'c'"),
        ("x.csv", "1,2\n3\n", "line 2 has 1 columns, those before have 2"),
        ("x.csv", "", r"shape \(0, 0\)"),
        ("x.csv", "1,2\n0,0\n", "x.csv: 1 of 2 rows are zero"),
        ("x.csv", "1,nan\n", "1 of 1 rows hold NaN"),
        ("x.npy", "no array", "x.npy: no array of numbers"),
        ("x.npz", "no archive", "x.npz: no archive"),
    ],
)
def test_files_that_are_no_data_are_refused_by_name(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_rows(tmp_path / name)


def test_archives_of_several_arrays_and_missing_files_are_refused(tmp_path):
    np.savez(tmp_path / "two.npz", x=X, y=X)
    with pytest.raises(ValueError, match="holds 2 arrays, x, y: save the inputs alone"):
        read_rows(tmp_path / "two.npz")
    np.save(tmp_path / "objects.npy", np.array([[{}]]))
    with pytest.raises(ValueError, match="no array of numbers"):
        read_rows(tmp_path / "objects.npy")
    for name in ("none.npy", "none.npz", "none.csv"):
        with pytest.raises(FileNotFoundError):
            read_rows(tmp_path / name)
