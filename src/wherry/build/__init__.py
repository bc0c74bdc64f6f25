"""Images out of a Dockerfile: language, plan, execution, export.

    dockerfile/   the language: text becomes typed instructions, names what is wrong where (pure)
    graph/        the plan: what is to be done for a target, with every variable put in (pure)
    context/      trees of files to copy from: a build context, an image, another stage
    solve/        runs a plan: cache, schedule, progress
    ops/          what one step does to a file system
    export/       what becomes of the result

A build knows nothing of the protocol that asked for it, nor how a process is run: `ports` says what
it needs of the engine.
"""
