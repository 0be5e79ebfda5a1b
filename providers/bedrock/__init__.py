"""Amazon Bedrock's Converse and ConverseStream, with a Bedrock API key.

What they take and send is described at
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html; where a rule here has another source,
the rule says so.
"""

from __future__ import annotations

from providers.bedrock.provider import Bedrock

PROVIDER = Bedrock()
