"""Docker's grammars for flag values, as pure functions from text to what the API takes."""
