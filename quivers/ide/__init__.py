"""What an editor asks of a file, answered as plain data: byte offsets, text, edits."""
