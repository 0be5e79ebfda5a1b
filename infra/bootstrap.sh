#!/bin/sh
# AWS_LAMBDA_EXEC_WRAPPER points here. Lambda calls the wrapper with the command of its own runtime as arguments:
# first the interpreter, then that runtime's script. We keep the interpreter and leave the script aside.
# Clearing the variable brings AWS's runtime back, with the same bundle and buffered answers.
set -eu
cd "${LAMBDA_TASK_ROOT:-/var/task}"
# -m puts the working directory, and so the bundle, in front of everything else on the import path.
exec "$1" -m infra.runtime
