"""Where sealed entries are kept. A store sees ids and ciphertext, never a key and never a plaintext."""
