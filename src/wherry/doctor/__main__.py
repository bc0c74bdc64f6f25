"""`python -m wherry.doctor`."""

from wherry.doctor.main import main

main()
