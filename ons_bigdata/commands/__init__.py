"""What the command line does, one module per command. How it is shown is the command line's."""
