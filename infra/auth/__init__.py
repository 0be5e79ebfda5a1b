"""What stands on the wire for a credential: the key itself, a signature, or a token that it is exchanged for."""
