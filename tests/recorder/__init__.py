"""Records one exchange with a live provider as a case of `tests/wire/cases`: `python -m tests.recorder --help`.

`asks` has what may be asked, `live` asks it, `scrub` takes out what is nobody else's, `tape` is the file.
"""
