"""Makes those bad data files whose bytes can't be written down, each at a path; some give another to read."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import zipfile
from datetime import date
from pathlib import Path

import numpy as np

HUNDRED_MB = 100 * 2**20
ROWS = {"y": [1.0, 2.0, 3.0], "sigma": [1.0, 1.0, 1.0], "county": ["a", "b", "c"]}


def deep(path: Path) -> None:
    path.write_text('{"y": ' + "[" * 200_000 + "]" * 200_000 + "}")


def digits(path: Path) -> None:
    path.write_text('{"y": ' + "9" * 5000 + "}")


def zeros(path: Path) -> None:
    """A line of 100 MB that takes no room on the disk."""
    path.touch()
    os.truncate(path, HUNDRED_MB)


def long_line(path: Path) -> None:
    with path.open("w") as file:
        file.write("y,sigma,county\n")
        piece = "1234567," * 2**17
        for _ in range(HUNDRED_MB // len(piece)):
            file.write(piece)


# ----------------------------------------------------------------------------- Parquet and Arrow


def whole_parquet(path: Path, **columns: object) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.table(ROWS | columns), path)
    return path.read_bytes()


def whole_arrow(path: Path) -> bytes:
    import pyarrow as pa
    import pyarrow.feather

    pyarrow.feather.write_feather(pa.table(ROWS), path, compression="uncompressed")
    return path.read_bytes()


def cut_parquet(path: Path) -> None:
    path.write_bytes(whole_parquet(path)[:-100])


def damaged_parquet(path: Path) -> None:
    whole = whole_parquet(path)
    path.write_bytes(whole[:-200] + b"\xff" * 150 + whole[-50:])


def parquet_of_dates(path: Path) -> None:
    whole_parquet(path, y=[date(2020, 1, day) for day in (1, 2, 3)])


def parquet_of_large_numbers(path: Path) -> None:
    whole_parquet(path, y=[2**53 + 1, 2, 3])


def cut_arrow(path: Path) -> None:
    path.write_bytes(whole_arrow(path)[:-100])


def damaged_arrow(path: Path) -> None:
    whole = whole_arrow(path)
    path.write_bytes(whole[:16] + b"\xff" * (len(whole) - 32) + whole[-16:])


# ---------------------------------------------------------------------------------------- NumPy


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def whole_npz(path: Path) -> bytes:
    np.savez_compressed(path, **ROWS)
    return path.read_bytes()


def whole_npy(path: Path) -> bytes:
    return _npy(np.ones((3, 2)))


def _zip(path: Path, **files: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def cut_npz(path: Path) -> None:
    np.savez(path, **ROWS)
    path.write_bytes(path.read_bytes()[:-200])


def damaged_npz(path: Path) -> None:
    np.savez(path, **ROWS)
    whole = bytearray(path.read_bytes())
    place = whole.index(np.array(ROWS["y"]).tobytes())
    whole[place] ^= 0xFF
    path.write_bytes(whole)


def bomb(path: Path) -> None:
    """Two gigabytes of zeros in two megabytes."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("y.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|i1", "fortran_order": False, "shape": (2**31,)}
        )
    # The list of contents says how much is in it; what is packed need not be there to be refused.
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.infolist()[0].file_size.to_bytes(4, "little")
    start = whole.index(b"PK\x01\x02")
    assert whole[start + 24 : start + 28] == size
    path.write_bytes(whole[: start + 24] + (2**31).to_bytes(4, "little") + whole[start + 28 :])


def npz_with_text(path: Path) -> None:
    _zip(path, **{"notes.txt": b"by hand"})


def npz_of_objects(path: Path) -> None:
    np.savez(path, y=np.array([1, "two", None], dtype=object))


def empty_npz(path: Path) -> None:
    _zip(path)


def one_array(path: Path) -> None:
    path.write_bytes(_npy(np.ones(3)))


def npz_with_false_shape(path: Path) -> None:
    whole = _npy(np.ones(3))
    _zip(path, **{"y.npy": whole.replace(b"(3,), }" + b" " * 12, b"(1000000000000,), }")})


def npz_of_complex(path: Path) -> None:
    np.savez(path, **(ROWS | {"y": np.array([1j, 2j, 3j])}))


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps([1, 2, 3]))


def records(path: Path) -> None:
    path.write_bytes(_npy(np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])))


# -------------------------------------------------------------------------- places that are no files


def nothing(path: Path) -> None:
    pass


def near(path: Path) -> None:
    path.with_name("data2.csv").touch()


def directory(path: Path) -> None:
    path.mkdir()


def directory_with_one_name_twice(path: Path) -> None:
    path.mkdir()
    (path / "a.csv").write_text("y,sigma\n1,1\n2,1\n")
    (path / "b.json").write_text('{"y": [1, 2]}')


def directory_with_a_bad_file(path: Path) -> None:
    path.mkdir()
    (path / "sigma.json").write_text("1")
    (path / "y.csv").write_text("y\n1\n2,3\n")


def directory_with_a_compressed_file(path: Path) -> None:
    path.mkdir()
    (path / "y.csv.gz").write_bytes(gzip.compress(b"y\n1\n"))


def link_to_nowhere(path: Path) -> None:
    path.symlink_to("gone.json")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def long_name(path: Path) -> Path:
    return path.with_name("x" * 300 + ".json")
