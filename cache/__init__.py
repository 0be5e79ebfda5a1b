"""The sealed response cache: policy, keys, sealing, format and stores. It knows no HTTP and no models."""
