"""What is installed beside the programs: units, scripts, the group; and setting it up."""
