"""OpenAI's Responses API as a second wire of the hosts that have it: `POST /responses`, whole and streamed.

What it takes and sends is described at https://developers.openai.com/api/reference/resources/responses, and in the
types of https://github.com/openai/openai-python (`openai/types/responses`), which are generated from OpenAI's own
document; where a rule here has another source, the rule says so. Which names go this way is data of the catalogue.
"""
