"""What may happen to Redis, done to a real one while clients ask, and what comes of it."""
