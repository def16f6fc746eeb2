"""`up`: machines -> preflight -> plan -> apply -> verify. And `plan`: the same without changing anything."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from provisioner.cluster import adoption, verify
from provisioner.cluster.api import Api
from provisioner.cluster.apply import apply
from provisioner.cluster.context import Context
from provisioner.cluster.errors import ClusterError, PreflightError
from provisioner.cluster.hosts import Hosts
from provisioner.cluster.lock import Lock
from provisioner.cluster.preflight import Probed, examine, probe
from provisioner.cluster.prepare import HostNeeds, Prepared, prepare, prepare_check
from provisioner.cluster.releases import Releases
from provisioner.cluster.results import HostStats
from provisioner.cluster.runs import RunLog
from provisioner.cluster.stages import Stages
from provisioner.cluster.systems import system_of, target_of
from provisioner.cluster.topology import api_endpoint
from provisioner.cluster.variables import docker_settings
from provisioner.machines.provider import Action

SMOKE_IMAGE = "busybox:1.35"


@dataclass(frozen=True)
class UpOptions:
    """What the person chooses. `smoke` None: when anything was changed, on hosts that have the image because we made them."""

    forks: int = 20
    smoke: bool | None = None
    break_lock: bool = False
    diff: bool = False
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether some roles are left out, so that nothing can be said of the whole."""
        return bool(self.tags or self.skip_tags)


@dataclass(frozen=True)
class Outcome:
    """How a run went. `stats` by host; `seconds` by stage."""

    stats: Mapping[str, HostStats]
    seconds: Mapping[str, float]
    changed: bool
    log: str = ""
    certificates: tuple[str, ...] = field(default_factory=tuple)


def up(context: Context, options: UpOptions) -> Outcome:
    """Makes the cluster what the inventory says. May be repeated after anything; raises ClusterError or an error of the part that failed."""
    context.state.prepare()
    with Lock(context.state.lock, "up", break_it=options.break_lock) as lock, ThreadPoolExecutor(1, "bundle") as pool:
        log = RunLog(context.state.runs)
        context.bus.add(log)
        context.bus.send("run_start", "up", inventory=str(context.path), cluster=context.spec.name)
        stages = Stages(context.bus, lock)
        ended = "failed"
        try:
            outcome = _run(context, options, stages, _releases(context, pool), log)
            ended = "done"
            return outcome
        except BaseException as e:
            context.bus.send("warning", f"{type(e).__name__}: {e}")
            raise
        finally:
            context.bus.send("run_end", ended, seconds={name: round(value, 2) for name, value in stages.seconds.items()})


def _run(context: Context, options: UpOptions, stages: Stages, releases: Releases, log: RunLog) -> Outcome:
    with stages.stage("machines"):
        context.provider.create()
        context.provider.start()
        context.connect_vars()
    with Hosts(context, forks=options.forks) as hosts:
        with stages.stage("preflight"):
            probed = _preflight(context, hosts)
        with stages.stage("plan"):
            prepared = prepare(context, _needs(probed, releases))
            _tell_certificates(context, prepared)
        with stages.stage("apply (part)" if options.partial else "apply"):
            stats = apply(
                context, hosts, prepared.variables, forks=options.forks, diff=options.diff, tags=options.tags, skip_tags=options.skip_tags
            )
    changed = any(host.changed for host in stats.values())
    if options.partial:
        return Outcome(stats, stages.seconds, changed, str(log.path))
    with stages.stage("verify"):
        api = Api(api_endpoint(context.spec, context.topology), context.state.pki)
        verify.wait_for_nodes(api, context.topology.nodes, lambda text: context.bus.send("progress", text))
        if options.smoke or (options.smoke is None and changed and context.made_here):
            seconds = verify.smoke(api, SMOKE_IMAGE, lambda text: context.bus.send("progress", text))
            context.bus.send("progress", f"a deployment of 2 pods was available after {seconds:.1f} s")
    return Outcome(stats, stages.seconds, changed, str(log.path), tuple(c.path for c in prepared.changes))


def plan(context: Context, options: UpOptions) -> Outcome:
    """Says what `up` would change; changes nothing, on hosts or here."""
    stages = Stages(context.bus)
    with ThreadPoolExecutor(1, "bundle") as pool:
        releases = _releases(context, pool)
        with stages.stage("machines"):
            missing = list(context.provider.plan())
            for action in missing:
                context.bus.send("would", f"{action.action.value} {action.subject} {action.detail}".strip(), host=action.subject)
        if any(action.action is not Action.START for action in missing):
            context.bus.send("progress", "hosts that don't exist yet get everything; there is nothing to compare with")
            return Outcome({}, stages.seconds, True)
        if missing:
            raise ClusterError(
                "plan: the machines are off, so they can't be compared", hint="start them with: provision machines up INVENTORY"
            )
        context.connect_vars()
        with Hosts(context, forks=options.forks) as hosts:
            with stages.stage("preflight"):
                probed = _preflight(context, hosts)
            with stages.stage("plan"), prepare_check(context, _needs(probed, releases)) as prepared:
                for change in prepared.changes:
                    context.bus.send("would", f"issue certificate {change.path}: {change.reason}")
                comparable = _comparable(context, probed, prepared)
                stats = (
                    apply(context, hosts, prepared.variables, forks=options.forks, check=True, diff=True, only=comparable)
                    if comparable
                    else {}
                )
    changed = bool(prepared.changes) or len(comparable) < len(probed) or any(host.changed for host in stats.values())
    return Outcome(stats, stages.seconds, changed)


def _comparable(context: Context, probed: Mapping[str, Probed], prepared: Prepared) -> list[str]:
    """Hosts that a dry run can say something of; tells about the others, where one step stands on what an earlier one would make."""
    found = []
    for name, answer in probed.items():
        roles = prepared.variables["kube"]["unfinished"][name]
        if not answer.facts.text("release"):
            context.bus.send("would", "install everything: nothing is on it yet", host=name)
        elif roles:
            context.bus.send("would", f"finish what an interrupted run began: {', '.join(roles)}; the rest is decided then", host=name)
        else:
            found.append(name)
    return found


def _releases(context: Context, pool: ThreadPoolExecutor) -> Releases:
    return Releases(context.spec.version, pool, lambda text: context.bus.send("progress", text))


def _needs(probed: Mapping[str, Probed], releases: Releases) -> dict[str, HostNeeds]:
    """Of hosts that are fit."""
    bundles = releases.of({host: target_of(answer.facts) for host, answer in probed.items()})
    suites = {host: system.suite for host, answer in probed.items() if (system := system_of(answer.facts))}
    return {host: HostNeeds(bundles[host], suites[host]) for host in probed}


def _preflight(context: Context, hosts: Hosts) -> dict[str, Probed]:
    started = time.monotonic()
    probed, problems = probe(context.topology, hosts.run, hosts.describe, hosts.errors)
    adopt = {name for name, host in context.inventory.hosts.items() if adoption.is_wanted(host.vars.get("adopt"))}
    ranges = (context.spec.pod_cidr, context.spec.service_cidr)
    problems += examine(context.topology, probed, adopt=adopt, docker=docker_settings(context.spec), ranges=ranges)
    if problems:
        raise PreflightError(sorted(problems, key=lambda p: context.topology.hosts.index(p.host)))
    context.bus.send("progress", f"{len(probed)} hosts are fit ({time.monotonic() - started:.1f} s)")
    return probed


def _tell_certificates(context: Context, prepared: Prepared) -> None:
    for change in prepared.changes[:5]:
        context.bus.send("progress", f"certificate {change.path}: {change.reason}")
    if len(prepared.changes) > 5:
        context.bus.send("progress", f"and {len(prepared.changes) - 5} certificates more")
