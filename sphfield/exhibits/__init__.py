"""Whole products: each computes, draws and saves."""
