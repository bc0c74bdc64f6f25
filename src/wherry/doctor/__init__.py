"""`wherry doctor`: looks at the machine, says what is wrong and which command mends it.

A check is a function `Machine -> list[Finding]`; `table` names them all, files are by subject.
`run` gives each a process of its own, so that none can change, stop or delay anything but itself.
Nothing on the machine is changed: what has to be tried is tried in namespaces of that process.

The standard library and what lies below `engine` is all that is needed to look: the doctor also
works where libraries are missing, without root, and where nothing was installed yet.
"""
