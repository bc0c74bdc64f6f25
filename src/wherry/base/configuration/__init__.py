"""What programs that read settings share, whatever their files look like; pure.

problems.py     what is wrong, where, and the error that tells all of it at once
document.py     settings as they were written, with their lines and with the flags before them
values.py       what a value has to be: words, numbers, sizes, times, lists, secrets
"""
