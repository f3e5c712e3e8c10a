"""Changes to a program that leave what it means as it is, as edits of its text."""
