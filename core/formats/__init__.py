"""One module per requirements file format."""
