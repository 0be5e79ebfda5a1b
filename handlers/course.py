"""The tries of one request: which way, with which secret, after what wait, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from handlers.caller import Member
from handlers.headers import dropped_names
from handlers.record import word_of
from handlers.routing import target_of
from handlers.tags import model_name
from handlers.tracing import onward
from infra.requests.record import AttemptRecord
from providers import registry
from providers.errors import CallerError, UpstreamAuth, UpstreamError, UpstreamRejected
from providers.routing.attempts import Attempts, GiveUp, RetryPolicy, Try
from providers.routing.refusal import model_forbidden

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.services import Services
    from providers.base import Provider, Target, Translated, UpstreamRequest
    from providers.errors import SabirError
    from providers.routing.plan import Plan
    from providers.routing.serving import Leg
    from providers.secret import Secret

    Translate: TypeAlias = Callable[[Provider, Target], Translated]

# Shorter ones are no secrets, and taking them out of a message would garble it.
_SHORTEST_SECRET: Final = 8


@dataclass(frozen=True, slots=True)
class Turn:
    """One try, ready to be sent. `patience`: seconds until a first meaningful piece, or a whole answer, is due.

    `record`: what the log says of it.
    """

    leg: Leg
    target: Target
    provider: Provider
    request: UpstreamRequest
    patience: float
    began: float
    record: AttemptRecord


class Course:
    """`turn()` gives each try, `failed()` takes what went wrong; both raise what the client is to hear, when it is.

    `translate`: the request in a provider's words, or a `CallerError`.
    """

    def __init__(
        self, asked: Asked, caller: Caller, plan: Plan, services: Services, *, translate: Translate, streamed: bool
    ) -> None:
        self._asked = asked
        self._caller = caller
        self._services = services
        self._translate = translate
        self._streamed = streamed
        self._legs = len({leg.place for leg in plan.legs})
        self._began = services.now()
        self._attempts = Attempts(plan, self._policy(), self._began)
        self._next = self._attempts.first()
        self._ignored = asked.record.dropped
        self._refused: dict[str, tuple[Secret, UpstreamAuth]] = {}
        if isinstance(caller, Member):
            asked.closing.push_async_callback(self._publish, caller.org.org_id)

    async def turn(self) -> Turn:
        """The next try. Passes over what cannot represent the request, and over a secret that has no successor."""
        while True:
            step = self._next
            if step.wait:
                with self._asked.timing.upstream:
                    await self._services.pause(step.wait)
            secret = await self._secret(step)
            if secret is None:
                self._decide(self._refused[step.leg.endpoint.name][1], sent=False)
                continue
            target = target_of(step.leg, secret, self._asked.headers, self._services, of_org=self._is_member)
            provider = registry.speaking(step.leg.provider, step.leg.wire)
            try:
                translated = self._translate(provider, target)
            except CallerError as refusal:
                self._decide(refusal)
                continue
            attempt = self._note(step.leg, dropped_names(translated.dropped))
            request = self.traced(translated.request, step.leg)
            return Turn(step.leg, target, provider, request, self._patience(), self._services.now(), attempt)

    def failed(self, turn: Turn, error: UpstreamError, *, of_endpoint: bool = True) -> None:
        """The try came to nothing before the client saw anything. `of_endpoint`: it tells how that one is doing."""
        self._redact(turn, error)
        name = turn.leg.endpoint.name
        turn.record.error = word_of(error, self._asked.body)
        if of_endpoint and isinstance(self._caller, Member):
            health = self._services.members.health
            health.failed(self._caller.org.org_id, name, error, now=self._services.now())
        if isinstance(error, UpstreamAuth):
            self._refused[name] = (turn.target.credential.secret, error)
        self._decide(error)

    def broken(self, turn: Turn, error: UpstreamError) -> None:
        """The try failed when the client had begun to read: it is told, and nothing else can be tried."""
        self._redact(turn, error)
        turn.record.error = word_of(error, self._asked.body)
        if isinstance(self._caller, Member):
            health = self._services.members.health
            health.failed(self._caller.org.org_id, turn.leg.endpoint.name, error, now=self._services.now())

    def unsent(self, turn: Turn) -> None:
        """Nobody had to be asked after all."""
        record = self._asked.record
        record.attempts = [attempt for attempt in record.attempts if attempt is not turn.record]
        self._asked.notes["x-sabir-attempts"] = str(len(record.attempts))

    def answered(self, turn: Turn) -> None:
        """The first meaningful piece of a stream is here, or a whole answer."""
        if self._streamed:
            turn.record.first_token_ms = self._asked.record.first_token_ms = self._asked.timing.ms
        if isinstance(self._caller, Member):
            now = self._services.now()
            seconds = max(0.0, now - turn.began) if self._streamed else None
            health, org_id = self._services.members.health, self._caller.org.org_id
            health.answered(org_id, turn.leg.endpoint.name, turn.leg.model, seconds, sent=turn.began, now=now)

    def traced(self, request: UpstreamRequest, leg: Leg) -> UpstreamRequest:
        """Behind the translation, for a trace changes no answer and must not be in the cache's identity.

        `turn()` gives a request like this; for those that a try needs beside its first one.
        """
        asked = self._asked
        headers = onward(asked.trace, leg, len(asked.record.attempts) - 1, self._services)
        return replace(request, headers={**request.headers, **headers}) if headers else request

    async def _publish(self, org_id: str) -> None:
        await self._services.members.health.publish(org_id, now=self._services.now())

    @property
    def _is_member(self) -> bool:
        return isinstance(self._caller, Member)

    def _policy(self) -> RetryPolicy:
        """The bearer of a provider's own key tries again itself, as every SDK does: it is its money."""
        times = self._services.settings.timeouts
        first = times.first_token if self._streamed else times.attempt
        policy = RetryPolicy(deadline=times.total, first_token=first)
        return policy if self._is_member else replace(policy, attempts=1)

    def _patience(self) -> float:
        """While there is a way that was not tried, a silent one is not waited for to the end of all time there is."""
        now = self._services.now()
        if self._attempts.made < self._legs:
            return self._attempts.first_token(now)
        return max(0.0, self._began + self._services.settings.timeouts.total - now)

    async def _secret(self, step: Try) -> Secret | None:
        """None: the provider refused it, and there is no other."""
        endpoint = step.leg.endpoint
        if not step.reread_secret or not isinstance(self._caller, Member):
            return endpoint.secret
        refused = self._refused[endpoint.name][0]
        now = self._services.now()
        return await self._services.members.another_secret(self._caller, endpoint.name, refused, now=now)

    def _decide(self, error: SabirError, *, sent: bool = True) -> None:
        decision = self._attempts.after(error, now=self._services.now(), draw=self._services.draw(), sent=sent)
        if isinstance(decision, GiveUp):
            raise self._shown(decision.error)
        self._next = decision

    def _shown(self, error: SabirError) -> SabirError:
        """The org's secret is nothing that a member could mend, nor should it read what a provider says of it."""
        if not (isinstance(error, UpstreamAuth) and self._is_member):
            return error
        if model_forbidden(error):
            return UpstreamRejected(
                f"{error.provider} does not let the organisation use this model. Use another one, or tell your "
                "organisation's administrator.",
                provider=error.provider,
                status=403,
                type="permission_error",
                code="endpoint_model_forbidden",
                param="model",
            )
        return UpstreamError(
            f"{error.provider} refused the organisation's own secret. Tell your organisation's administrator.",
            provider=error.provider,
            code="endpoint_unauthorized",
        )

    def _note(self, leg: Leg, dropped: tuple[str, ...]) -> AttemptRecord:
        """What every answer from here on says of its way, a failure too."""
        asked, record = self._asked, self._asked.record
        attempt = AttemptRecord(leg.endpoint.name, leg.provider, model_name(leg.model, asked), asked.timing.ms)
        record.provider, record.model, record.endpoint = leg.provider, attempt.model, leg.endpoint.name
        record.attempts.append(attempt)
        dropped = record.dropped = (*self._ignored, *dropped)
        asked.notes["x-bt-used-endpoint"] = leg.endpoint.name
        asked.notes["x-sabir-attempts"] = str(len(record.attempts))
        asked.notes.pop("x-sabir-dropped-params", None)
        if dropped:
            asked.notes["x-sabir-dropped-params"] = ", ".join(dropped)
        return attempt

    def _redact(self, turn: Turn, error: UpstreamError) -> None:
        from providers.secret import Secret

        error.redact(turn.target.credential.secret)
        for value in turn.leg.endpoint.headers.values():
            if len(value) >= _SHORTEST_SECRET:
                error.redact(Secret(value))
