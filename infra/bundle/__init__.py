"""Builds what Lambda gets: the packages that run, the locked wheels for its processor and Python, and byte code.

``sam build`` calls it through the Makefile's ``build-ProxyFunction``; ``python -m infra.bundle`` does the same by hand.
Standard library only: it must run on a machine where nothing of the project is installed.

    sources    which files of ours go in
    wheels     the locked dependencies, by uv or pip, for a machine that need not be this one
    bytecode   compiled by the target's own Python, where this machine has it
    target     what is built for
"""
