"""What a file means: scopes, types, supports, effects, and everything wrong with them."""
