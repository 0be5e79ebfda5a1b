"""What clients speak: each dialect parses a request into the neutral model and encodes the neutral answer."""
