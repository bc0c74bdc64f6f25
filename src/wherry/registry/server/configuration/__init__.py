"""Settings out of one TOML file; an error names the file, the line and the way out."""
