"""The Lambda runtime loop that streams: a Runtime API client around an ASGI application.

AWS's own Python runtime posts each answer whole. This package takes its place, through
``AWS_LAMBDA_EXEC_WRAPPER`` and ``infra/bootstrap.sh``, on the same managed runtime.

    framing     HTTP/1.1 as bytes in, messages out; the chunked coding with trailers
    prelude     the head of an answer as API Gateway wants it in front of a streamed body
    invocation  one event with its deadline and context
    api         the Runtime API's few calls over one kept connection
    answers     how an answer leaves: streamed, or whole where the platform cannot stream
    cycle       one ASGI call
    lifespan    the application's start-up and shutdown
    restore     SnapStart's snapshot and restore
    loop        all of it, once per sandbox
"""
