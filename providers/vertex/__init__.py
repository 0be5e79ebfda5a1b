"""Gemini and Claude on Google's Vertex AI: their makers' wires, in a project and a location of the customer's."""

from providers.vertex.provider import Vertex

PROVIDER = Vertex()
