//! Cosine similarity between CKKS-encrypted unit vectors, computed in one pass over memory.
