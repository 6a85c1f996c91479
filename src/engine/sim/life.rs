//! Running containers: start, stop, health, restart policy, and what the engine's own death does to them.

use super::ledger::Violation;
use super::program::Process;
use super::rules::{Answer, No, Yes, no, no_container};
use super::shared::KILLED;
use super::world::{Timer, Unit, World};
use crate::base::{EngineId, Span};
use crate::engine::{Done, ErrorKind};
use crate::model::{Health, RestartName};
use crate::observe::{HealthStatus, LABEL_RESOURCE, Status};

/// How long Docker waits before it kills.
const GRACE: Span = Span::from_secs(10);
/// Docker's defaults of health checks.
const INTERVAL: u64 = 30_000;
const RETRIES: u32 = 3;
/// The first wait of the restart policy; it doubles each time, up to a minute.
const FIRST_WAIT: u64 = 100;
const LONGEST_WAIT: u64 = 60_000;
/// A run that lasted this long makes the policy patient again.
const GOOD_RUN: u64 = 10_000;
/// The exit code of containers that died with their engine.
const CRASHED: i64 = 255;

impl World {
    pub(super) fn start(&mut self, id: &EngineId) -> Answer {
        let Some(id) = self.unit_id(id.as_str()) else {
            return no_container(id.as_str());
        };
        let status = self.units.get(&id).map(|unit| unit.state.status);
        match status {
            Some(Status::Paused) => {
                return no(
                    ErrorKind::Conflict,
                    "cannot start a paused container, try unpause instead",
                );
            }
            Some(status) if status.is_active() => return Ok(Done::Already.into()),
            _ => {}
        }
        if let Some(unit) = self.units.get_mut(&id) {
            unit.stopped_by_hand = false;
            unit.state.restarts = 0;
        }
        self.run(&id).map(|()| Done::Done.into())
    }

    /// Starts the main process.
    fn run(&mut self, id: &EngineId) -> Result<(), No> {
        let outcome = self.startable(id);
        let process = match outcome {
            Ok(process) => process,
            Err((No(kind, message), code)) => {
                if let Some(unit) = self.units.get_mut(id) {
                    unit.state.error.clone_from(&message);
                    if unit.state.exit_code == 0 || code != 128 {
                        unit.state.exit_code = code;
                    }
                    if unit.state.status == Status::Restarting {
                        unit.state.status = Status::Exited;
                    }
                }
                return Err(No(kind, message));
            }
        };
        let nets: Vec<_> = self.units.get(id).map_or_else(Vec::new, |unit| {
            let found = unit.endpoints.iter().filter_map(|(name, endpoint)| {
                Some((name.clone(), self.endpoint_net(name, endpoint)?.id.clone()))
            });
            found.collect()
        });
        let started_at = self.timestamp();
        let now = self.now;
        let Some(unit) = self.units.get_mut(id) else {
            return Ok(());
        };
        for (name, net) in nets {
            if let Some(endpoint) = unit.endpoints.get_mut(&name) {
                endpoint.network = Some(net);
            }
        }
        unit.epoch += 1;
        unit.since = now;
        unit.ran_at_crash = false;
        unit.log.push_str(&process.output);
        unit.verdict = None;
        unit.state.status = Status::Running;
        unit.state.ever_started = true;
        unit.state.started_at = started_at;
        unit.state.error = String::new();
        unit.state.exit_code = 0;
        unit.state.oom_killed = false;
        let health = unit.health();
        unit.state.health = health.as_ref().map(|_| HealthStatus::Starting);
        let epoch = unit.epoch;
        let volumes: Vec<String> = unit.volumes().map(|(name, _)| name.to_owned()).collect();
        for name in volumes {
            if let Some(volume) = self.volumes.get_mut(&name) {
                volume.used = true;
            }
        }
        if let Some((after, code)) = process.ends {
            self.schedule(now + after, Timer::Exit(id.clone(), epoch, code));
        }
        if let Some(health) = health {
            for (after, verdict) in verdicts(&health, process.well_after) {
                self.schedule(now + after, Timer::Health(id.clone(), epoch, verdict));
            }
        }
        self.tell(id, "start");
        self.note_sharing(id);
        Ok(())
    }

    /// What stands in the way of a start, with the exit code that it leaves.
    fn startable(&self, id: &EngineId) -> Result<Process, (No, i64)> {
        let fail = |kind, message: String| Err((No(kind, message), 128));
        let Some(unit) = self.units.get(id) else {
            return fail(ErrorKind::NotFound, format!("No such container: {id}"));
        };
        for (name, endpoint) in &unit.endpoints {
            let Some(net) = self.endpoint_net(name, endpoint) else {
                let named = endpoint
                    .network
                    .as_ref()
                    .map_or(name.as_str(), |id| id.as_str());
                return fail(ErrorKind::NotFound, format!("network {named} not found"));
            };
            if self.address_in_use(id, net, &endpoint.attachment) {
                return fail(ErrorKind::PortTaken, "Address already in use".to_owned());
            }
        }
        self.can_join(unit).map_err(|no| (no, 128))?;
        for (protocol, bind, port) in unit.publishes() {
            let clash = |other: &Unit| {
                other.id != *id
                    && other.runs()
                    && other.published().any(|(p, b, n)| {
                        let same = b == bind || b.is_unspecified() || bind.is_unspecified();
                        (p, n) == (protocol, port) && same
                    })
            };
            let prefix = format!(
                "driver failed programming external connectivity on endpoint {}",
                unit.name
            );
            if self.units.values().any(clash) {
                return fail(
                    ErrorKind::PortTaken,
                    format!("{prefix}: Bind for {bind}:{port} failed: port is already allocated"),
                );
            }
            if self.taken.contains(&(protocol, port)) {
                return fail(
                    ErrorKind::PortTaken,
                    format!(
                        "{prefix}: Error starting userland proxy: listen {} {bind}:{port}: bind: address already in use",
                        protocol.word()
                    ),
                );
            }
        }
        let spec = &unit.create.spec;
        let process = unit.bundle.behaviour.process(
            &unit.argv(),
            spec.health.as_ref(),
            spec.init == Some(true),
        );
        match process.broken {
            Some(message) => Err((No(ErrorKind::Rejected, message), 127)),
            None => Ok(process),
        }
    }

    /// Notes it where another container of the same resource, or one of somebody else's, runs on the same data.
    fn note_sharing(&mut self, id: &EngineId) {
        let Some(unit) = self.units.get(id) else {
            return;
        };
        let resource = |unit: &Unit| unit.create.labels.get(LABEL_RESOURCE).cloned();
        let mut found = Vec::new();
        for other in self.units.values() {
            let apart = match (resource(other), resource(unit)) {
                (Some(one), Some(other)) => one != other,
                _ => false,
            };
            if other.id == unit.id || !other.runs() || apart {
                continue;
            }
            for data in unit
                .writes()
                .filter(|data| other.writes().any(|d| d == *data))
            {
                found.push(Violation::Shared {
                    data: data.to_owned(),
                    containers: [other.name.clone(), unit.name.clone()],
                });
            }
        }
        self.violations.extend(found);
    }

    pub(super) fn stop(&mut self, id: &EngineId, timeout: Option<Span>) -> Answer {
        let Some(id) = self.unit_id(id.as_str()) else {
            return Ok(Done::Already.into());
        };
        let Some(unit) = self.units.get_mut(&id) else {
            return Ok(Done::Already.into());
        };
        match unit.state.status {
            Status::Restarting => {
                // Its exit code stays.
                unit.stopped_by_hand = true;
                unit.epoch += 1;
                unit.state.status = Status::Exited;
                self.tell(&id, "stop");
                return Ok(Done::Done.into());
            }
            Status::Running | Status::Paused => {}
            _ => return Ok(Done::Already.into()),
        }
        unit.stopped_by_hand = true;
        let spec = &unit.create.spec;
        let process = unit.bundle.behaviour.process(
            &unit.argv(),
            spec.health.as_ref(),
            spec.init == Some(true),
        );
        let grace = timeout.or(spec.stop_timeout).unwrap_or(GRACE);
        let epoch = unit.epoch;
        self.tell(&id, "kill");
        match process.on_term {
            Some(code) => {
                self.end(&id, code, true);
                self.tell(&id, "stop");
                Ok(Done::Done.into())
            }
            None => {
                let at = self.now + grace.millis();
                self.schedule(at, Timer::Exit(id, epoch, KILLED));
                Ok(Yes(Done::Done, Some(at)))
            }
        }
    }

    pub(super) fn pause(&mut self, id: &EngineId) -> Answer {
        let unit = self
            .unit_id(id.as_str())
            .and_then(|id| self.units.get_mut(&id));
        let Some(unit) = unit else {
            return no_container(id.as_str());
        };
        match unit.state.status {
            Status::Running => {}
            Status::Paused => return Ok(Done::Already.into()),
            Status::Restarting => {
                let message = format!(
                    "Container {} is restarting, wait until the container is running",
                    unit.id
                );
                return no(ErrorKind::Conflict, message);
            }
            _ => {
                let message = format!("Container {} is not running", unit.id);
                return no(ErrorKind::Conflict, message);
            }
        }
        unit.state.status = Status::Paused;
        // Docker stops checking, and calls that unhealthy.
        unit.state.health = unit.state.health.map(|_| HealthStatus::Unhealthy);
        let id = unit.id.clone();
        self.tell(&id, "pause");
        Ok(Done::Done.into())
    }

    pub(super) fn unpause(&mut self, id: &EngineId) -> Answer {
        let unit = self
            .unit_id(id.as_str())
            .and_then(|id| self.units.get_mut(&id));
        let Some(unit) = unit else {
            return no_container(id.as_str());
        };
        if unit.state.status != Status::Paused {
            return Ok(Done::Already.into());
        }
        unit.state.status = Status::Running;
        let (id, epoch) = (unit.id.clone(), unit.epoch);
        let interval = unit
            .health()
            .map(|health| health.interval.map_or(INTERVAL, Span::millis));
        self.tell(&id, "unpause");
        if let Some(interval) = interval {
            let timer = Timer::Health(id, epoch, HealthStatus::Healthy);
            self.schedule(self.now + interval, timer);
        }
        Ok(Done::Done.into())
    }

    /// The main process ended. `asked`: the engine was asked for it, so the restart policy keeps still.
    pub(super) fn end(&mut self, id: &EngineId, code: i64, asked: bool) {
        let now = self.now;
        let Some(unit) = self.units.get_mut(id) else {
            return;
        };
        unit.epoch += 1;
        unit.state.exit_code = code;
        unit.state.health = unit.state.health.map(|_| HealthStatus::Unhealthy);
        let policy = &unit.live.restart;
        let tries_left = policy.max_retries == 0 || unit.state.restarts < policy.max_retries;
        let again = !asked
            && !unit.stopped_by_hand
            && match policy.name {
                RestartName::Always | RestartName::UnlessStopped => true,
                RestartName::OnFailure => code != 0 && tries_left,
                RestartName::No => false,
            };
        if again {
            if now.saturating_sub(unit.since) >= GOOD_RUN {
                unit.state.restarts = unit.state.restarts.min(1);
            }
            let doublings = u32::try_from(unit.state.restarts.clamp(0, 16)).unwrap_or(16);
            let wait = (FIRST_WAIT << doublings).min(LONGEST_WAIT);
            unit.state.restarts += 1;
            unit.state.status = Status::Restarting;
            let timer = Timer::Restart(id.clone(), unit.epoch);
            self.schedule(now + wait, timer);
        } else {
            unit.state.status = Status::Exited;
        }
        self.tell(id, "die");
        for other in self.with_processes_of(id) {
            self.end(&other, KILLED, false);
        }
    }

    /// Lets everything happen that is due by `now`.
    pub(super) fn advance(&mut self, now: u64) {
        while let Some(entry) = self.timers.first_entry() {
            let due = entry.key().0;
            if due > now {
                break;
            }
            let timer = entry.remove();
            self.now = self.now.max(due);
            if self.up {
                self.fire(timer);
            }
        }
        self.now = self.now.max(now);
    }

    fn fire(&mut self, timer: Timer) {
        let (Timer::Exit(id, epoch, _) | Timer::Health(id, epoch, _) | Timer::Restart(id, epoch)) =
            &timer;
        let Some(unit) = self.units.get_mut(id).filter(|unit| unit.epoch == *epoch) else {
            return;
        };
        match timer {
            Timer::Exit(id, _, code) => {
                let asked = unit.stopped_by_hand;
                self.end(&id, code, asked);
                if asked {
                    self.tell(&id, "stop");
                }
            }
            Timer::Health(id, _, verdict) => {
                if unit.state.status != Status::Running {
                    return;
                }
                unit.state.health = Some(verdict);
                let (code, word) = match verdict {
                    HealthStatus::Healthy => (0, "healthy"),
                    _ => (1, "unhealthy"),
                };
                unit.verdict = Some(format!("exit code {code}: {word}"));
                self.tell(&id, &format!("health_status: {word}"));
            }
            Timer::Restart(id, _) => {
                // Refused: it stays exited, with the reason in its state.
                let _ = self.run(&id);
            }
        }
    }

    /// The engine dies, and every container with it.
    pub(super) fn crash(&mut self) {
        self.up = false;
        self.timers.clear();
        self.unwatched.clear();
        self.listeners.clear();
        for unit in self.units.values_mut() {
            if unit.state.status.is_active() {
                unit.ran_at_crash = true;
                unit.epoch += 1;
                unit.state.status = Status::Exited;
                unit.state.exit_code = CRASHED;
                unit.state.health = unit.state.health.map(|_| HealthStatus::Unhealthy);
            }
        }
    }

    /// The engine starts again, and with it what the restart policies say: also containers that were
    /// stopped, where the policy is `always`, or `on-failure` and they ended with a failure.
    pub(super) fn boot(&mut self) {
        self.up = true;
        let mut again: Vec<(String, EngineId)> = self
            .units
            .values()
            .filter(|unit| unit.state.ever_started && !unit.runs())
            .filter(|unit| match unit.live.restart.name {
                RestartName::Always => true,
                RestartName::UnlessStopped => !unit.stopped_by_hand,
                RestartName::OnFailure => {
                    let most = unit.live.restart.max_retries;
                    unit.state.exit_code != 0 && (most == 0 || unit.state.restarts < most)
                }
                RestartName::No => false,
            })
            .map(|unit| (unit.name.clone(), unit.id.clone()))
            .collect();
        again.sort();
        for (_, id) in again {
            let _ = self.run(&id);
        }
    }
}

/// When a health check changes its mind, after a start. One that is content from `well` on says so at its
/// next run; until then failures count, except in the start period.
fn verdicts(health: &Health, well: Option<u64>) -> Vec<(u64, HealthStatus)> {
    let millis = |span: Option<Span>, default| span.map_or(default, Span::millis).max(1);
    let interval = millis(health.interval, INTERVAL);
    let grace = health.start_period.map_or(0, Span::millis);
    let retries = u64::from(health.retries.filter(|n| *n > 0).unwrap_or(RETRIES));
    // Checks run at whole intervals; the first that counts is the first after the start period.
    let first = (grace / interval + 1) * interval;
    let sick = first + (retries - 1) * interval;
    let healthy = well.map(|well| well.div_ceil(interval).max(1) * interval);
    let mut verdicts = Vec::new();
    if healthy.is_none_or(|healthy| healthy > sick) {
        verdicts.push((sick, HealthStatus::Unhealthy));
    }
    verdicts.extend(healthy.map(|at| (at, HealthStatus::Healthy)));
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_come_with_the_checks() {
        let health = Health {
            test: vec![],
            interval: Some(Span::from_secs(1)),
            timeout: None,
            start_period: Some(Span::from_secs(2)),
            retries: Some(3),
            start_interval: None,
        };
        let at = |well| verdicts(&health, well);
        assert_eq!(at(Some(0)), [(1000, HealthStatus::Healthy)]);
        assert_eq!(at(Some(1500)), [(2000, HealthStatus::Healthy)]);
        assert_eq!(at(None), [(5000, HealthStatus::Unhealthy)]);
        assert_eq!(
            at(Some(9000)),
            [
                (5000, HealthStatus::Unhealthy),
                (9000, HealthStatus::Healthy)
            ]
        );
    }
}
