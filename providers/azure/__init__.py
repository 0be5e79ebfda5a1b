"""Azure OpenAI: OpenAI's wire, at the address and under the deployments' names of each customer's own resource."""

from providers.azure.provider import AzureOpenAI

PROVIDER = AzureOpenAI()
