"""What evaluates a density: torch here, and the function pointer that samplers call."""
