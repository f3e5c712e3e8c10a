"""What a notebook shows of programs, posteriors and problems: HTML without scripts, every name escaped."""
