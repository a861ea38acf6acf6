"""From a kernel to its angular power spectrum and spectral law."""
