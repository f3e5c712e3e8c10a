"""Data files with one fault each, and the sentence that each ends in."""

# ruff: noqa: E501 (a table of sentences)

LONG = 3_000

# By the file's name: its bytes, and what is said after its path.
BAD_FILES: dict[str, tuple[bytes, str]] = {
    # ----------------------------------------------------------------- nothing there
    "empty.csv": (b"", " is empty: its first line should name the columns, as in `y,sigma`."),
    "blank.csv": (b"\n\n \n", ", line 3: the first row should name the columns, but is blank."),
    "mark.csv": (b"\xef\xbb\xbf", " is empty: its first line should name the columns, as in `y,sigma`."),
    "header.csv": (b"y,sigma\n", " names its columns and has no rows."),
    "header-blank.csv": (b"y,sigma\n\n\n", " names its columns and has no rows."),
    "empty.parquet": (b"", " is empty."),
    # -------------------------------------------------------------------- the header
    "no-header.csv": (b"28,15\n8,10\n", ", line 1: the first row should name the columns, but `28` is a number."),
    "no-header.tsv": (b"-2.5e3\t15\n8\t10\n", ", line 1: the first row should name the columns, but `-2.5e3` is a number."),
    "no-header-text.csv": (b"1,1,b\n2,1,a\n", ", line 1: the first row should name the columns, but `1` is a number."),
    "comment.csv": (b"# by hand, 2020\ny,sigma\n1,2\n", ", line 1: the first row should name the columns, but begins with `#`, as comments do: take them out."),
    "twice.csv": (b"y,sigma,y\n1,2,3\n", ", line 1: columns 1 and 3 are both called `y`."),
    "twice-spaced.csv": (b"y, y \n1,2\n", ", line 1: columns 1 and 2 are both called `y`."),
    "no-names.csv": (b",,\n1,2,3\n", ", line 1: the first row should name the columns, but is blank."),
    "semicolons.csv": (b"y;sigma\n28;15\n", ", line 1: the columns seem to be separated by semicolons, where a file of this name has commas."),
    "tabs.csv": (b"y\tsigma\n28\t15\n", ", line 1: the columns seem to be separated by tabs, where a file of this name has commas."),
    "bars.csv": (b"y|sigma\n28|15\n", ", line 1: the columns seem to be separated by bars, where a file of this name has commas."),
    "commas.tsv": (b"y,sigma\n28,15\n", ", line 1: the columns seem to be separated by commas, where a file of this name has tabs."),
    # ---------------------------------------------------------------------- the rows
    "short.csv": (b"y,sigma\n28,15\n8\n", ", line 3: this row has 1 cell, but the header names 2 columns."),
    "long.csv": (b"y,sigma\n28,15,3\n", ", line 2: this row has 3 cells, but the header names 2 columns."),
    "long-one.csv": (b"y\n28,15\n", ", line 2: this row has 2 cells, but the header names 1 column."),
    "decimal-comma.csv": (b'y,sigma\n"28,5",15\n28,5,15\n', ", line 3: this row has 3 cells, but the header names 2 columns."),
    "gap.csv": (b"y,sigma\n28,15\n\n8,10\n", ", line 3: this line is empty, and more follow."),
    "late.csv": (b"y,sigma\n" + b"1,2\n" * LONG + b"1\n", f", line {LONG + 2}: this row has 1 cell, but the header names 2 columns."),
    "two-lines.csv": (b'y,name\r\n1,"a\r\nb"\r\n2\r\n', ", line 4: this row has 1 cell, but the header names 2 columns."),
    "cr.csv": (b"y,sigma\r1,2\r3\r", ", line 3: this row has 1 cell, but the header names 2 columns."),
    # -------------------------------------------------------------------- the quotes
    "open-quote.csv": (b'y,name\n1,"Ada\n2,Bob\n', ", line 2, column 3: the quote that opens here is never closed."),
    "open-quote-late.csv": (b'y,name\n1,"Ada"\n2,"Bo""b\n3,x\n', ", line 3, column 3: the quote that opens here is never closed."),
    "open-header.csv": (b'y,"name\n1,2\n', ", line 1, column 3: the quote that opens here is never closed."),
    "after-quote.csv": (b'y,name\n1,"Ada"x\n', ', line 2, column 8: a cell goes on after its closing quote; a quote inside a cell is written twice, `""`.'),
    "after-quote-lines.csv": (b'y,name\n1,"A\nda" \n', ', line 3, column 4: a cell goes on after its closing quote; a quote inside a cell is written twice, `""`.'),
    # ---------------------------------------------------------------- no such text
    "nul.csv": (b"y,sigma\n28,\x0015\n", ", line 2, column 4: a zero byte stands here, so this is no text."),
    "binary.csv": (b"\x7fELF\x02\x01\x01\x00\x00", ", line 1, column 8: a zero byte stands here, so this is no text."),
    "latin.csv": ("y,name\n1,Anoka\n2,Montréal\n".encode("latin-1"), ", line 3, column 8: this is not UTF-8 text, as the byte 0xE9 stands here: save it as UTF-8."),
    "mac.csv": ("y,name\r1,Anoka\r2,Montréal\r".encode("mac-roman"), ", line 3, column 8: this is not UTF-8 text, as the byte 0x8E stands here: save it as UTF-8."),
    "latin-late.csv": (b"y,name\n" + b"1,a\n" * LONG + b"2,\xe9\n", f", line {LONG + 2}, column 3: this is not UTF-8 text, as the byte 0xE9 stands here: save it as UTF-8."),
    "cut.csv": ("y,name\n1,Montré".encode()[:-1], ", line 2, column 8: this is not UTF-8 text, as the byte 0xC3 stands here: save it as UTF-8."),
    "utf16.csv": ("y,sigma\n1,2\n".encode("utf-16"), " is UTF-16 text: save it as UTF-8."),
    "utf32.csv": ("y,sigma\n1,2\n".encode("utf-32"), " is UTF-32 text: save it as UTF-8."),
    "lines.json": (b'{"y": 1, "sigma": 2}\n{"y": 3, "sigma": 4}\n', ' holds several objects, as lines of records do, but should hold one, with a list for each name: {"y": [1.5, 2]}.'),
    "records.json": (b'[{"y": 1}, {"y": 2}]', ' holds a list of records, but should hold one object, with a list for each name: {"y": [1.5, 2]}. In pandas, `to_dict("list")` gives it; in R, `as.list(frame)`.'),
    "zip.csv": (b"PK\x03\x04\x14\x00\x06\x00", ", line 1, column 6: a zero byte stands here, so this is no text."),
    # ------------------------------------------------------------------ other endings
    "data.txt": (b"y\n1\n", " is of no kind that can be read: a data file's name ends in .json, .csv, .tsv, .parquet, .arrow, .feather, .npz or .npy."),
    "data.xlsx": (b"PK", " is of no kind that can be read: a data file's name ends in .json, .csv, .tsv, .parquet, .arrow, .feather, .npz or .npy."),
    "data.csv.gz": (b"\x1f\x8b", " is compressed: unpack it, as a data file's name ends in .json, .csv, .tsv, .parquet, .arrow, .feather, .npz or .npy."),
    "table.json": (b"y,sigma\n28,15\n", " is not valid JSON: line 1, column 1: expecting value."),
    "table": (b"y,sigma\n28,15\n", " is not valid JSON: line 1, column 1: expecting value."),
    # ------------------------------------------------------------------------ Parquet
    "text.parquet": (b"y,sigma\n28,15\n", " is no Parquet file."),
    "cut.parquet": (b"PAR1\x15\x04\x15\x20", " is only the beginning of a Parquet file: its end is missing."),
    "tiny.parquet": (b"PAR1PAR1", " is only the beginning of a Parquet file: its end is missing."),
    "damaged.parquet": (b"PAR1" + b"\xff" * 40 + b"\x08\x00\x00\x00PAR1", " is damaged, or of a kind of Parquet that can't be read: "),
}  # fmt: skip
