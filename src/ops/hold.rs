//! Decisions about labels that outlive an apply: `stop`, `pause`, `remove`, lifted by `start` and `unpause`;
//! and `restart`, which decides nothing.

use super::adopt;
use super::error::OpError;
use super::recover::{Known, known, to_stack};
use super::session::{Begin, Session, Who};
use crate::base::{EngineId, ResourceId, Span, StackId, StackName};
use crate::diff::{Held, Hold, Wishes};
use crate::engine::Engine;
use crate::exec::{self, Event, Events, Made, Stop, Values};
use crate::graph;
use crate::model::{Resource, Role, Stack};
use crate::observe::{Container, Status};
use crate::plan::{Op, Phase, Plan, Step, Target};
use crate::store::Entry;
use crate::store::record::Outcome;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What is done to labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Stops, and keeps stopped.
    Stop,
    /// Freezes, and keeps frozen.
    Pause,
    /// Removes containers, keeps data, and keeps them away.
    Remove,
    /// Lifts any of these.
    Start,
    /// Stops and starts.
    Restart,
}

impl Act {
    /// The command's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Remove => "remove",
            Self::Start => "start",
            Self::Restart => "restart",
        }
    }
}

/// The labels that users named, by label, domain or container name.
pub fn labels(known: &Known, named: &[String]) -> Result<BTreeSet<String>, OpError> {
    let stack = known.good.as_ref().map(|good| &good.stack);
    let all: BTreeSet<String> = stack
        .into_iter()
        .flat_map(Stack::containers)
        .map(|(id, ..)| id.label().to_owned())
        .chain(
            known
                .observed
                .containers
                .values()
                .filter_map(|c| Some(c.owner.resource.as_ref()?.label().to_owned())),
        )
        .collect();
    named
        .iter()
        .map(|name| {
            let lower = name.to_ascii_lowercase();
            if all.contains(&lower) {
                return Ok(lower);
            }
            let found = called(stack, name);
            let mut labels = found.iter();
            match (labels.next(), labels.next()) {
                (Some(label), None) => Ok(label.clone()),
                (None, _) => {
                    let known: Vec<_> = all.iter().map(String::as_str).collect();
                    let near = crate::diag::did_you_mean(name, known.iter().copied());
                    let mut help = vec![format!("labels here: {}", known.join(", "))];
                    help.extend(near.map(|near| format!("did you mean `{near}`?")));
                    Err(OpError::Usage {
                        what: format!("no app has the label, domain or name `{name}`"),
                        help,
                    })
                }
                (Some(_), Some(_)) => Err(OpError::Usage {
                    what: format!("several apps are at `{name}`"),
                    help: vec![format!(
                        "name one of them: {}",
                        found.into_iter().collect::<Vec<_>>().join(", ")
                    )],
                }),
            }
        })
        .collect()
}

/// The labels of what has that name or domain; of what is at that host, where nothing has.
fn called(stack: Option<&Stack>, name: &str) -> BTreeSet<String> {
    let asked = name.split_once("://").map_or(name, |(_, rest)| rest);
    let asked = asked.trim_end_matches('/').to_ascii_lowercase();
    let domain = |resource: &Resource| {
        let about = resource.about.as_ref();
        let about = about.filter(|about| about.role == Role::App)?;
        Some(about.domain.as_ref()?.to_ascii_lowercase())
    };
    let which = |matches: &dyn Fn(&Resource) -> bool| -> BTreeSet<String> {
        let all = stack.into_iter().flat_map(Stack::containers);
        let found = all.filter(|(_, resource, _)| matches(resource));
        found.map(|(id, ..)| id.label().to_owned()).collect()
    };
    let exact = which(&|resource| {
        resource.name == *name || domain(resource).is_some_and(|domain| domain == asked)
    });
    if !exact.is_empty() {
        return exact;
    }
    which(&|resource| {
        domain(resource).is_some_and(|domain| domain.split('/').next() == Some(asked.as_str()))
    })
}

/// Does `act` to `named`.
#[allow(clippy::too_many_arguments)]
pub async fn act<E: Engine>(
    engine: &E,
    name: &StackName,
    id: StackId,
    act: Act,
    named: &[String],
    who: &Who,
    events: &Events,
    stop: &Stop,
) -> Result<BTreeSet<String>, OpError> {
    let session = Session::open(engine, name, id, who, act.word(), events, stop).await?;
    let result: Result<_, OpError> = async {
        let known = known(engine, name, Some(&session.id), None).await?;
        let labels = labels(&known, named)?;
        adopt::not_begun(&known.adopted)?;
        match act {
            Act::Restart => can_restart(&known, &labels)?,
            Act::Remove => super::protect::allows(&known, None, |label| labels.contains(label))?,
            Act::Stop | Act::Pause => can_hold(&known, act, &labels)?,
            Act::Start => {}
        }
        match act {
            Act::Start => start(&session, known, &labels).await?,
            Act::Stop | Act::Pause | Act::Remove | Act::Restart => {
                hold(&session, &known, act, &labels).await?
            }
        }
        Ok(labels)
    }
    .await;
    let closed = session.close().await;
    let labels = result?;
    closed?;
    Ok(labels)
}

/// What is removed has nothing that could be stopped, and what is stopped nothing that could be frozen.
fn can_hold(known: &Known, act: Act, labels: &BTreeSet<String>) -> Result<(), OpError> {
    for label in labels {
        let hold = match (known.held.get(label), act) {
            (Some(hold @ Hold::Removed), _) | (Some(hold @ Hold::Stopped), Act::Pause) => hold,
            _ => continue,
        };
        let (how, act) = (hold.lifted_by(), act.word());
        return Err(OpError::Usage {
            what: format!("`{label}` is held: {}", hold.word()),
            help: vec![format!(
                "`coasti {how} {label}` lifts that and starts it; then `coasti {act} {label}`"
            )],
        });
    }
    Ok(())
}

/// What is held is not restarted: that would be a start that leaves the decision. Nor is what is not there.
fn can_restart(known: &Known, labels: &BTreeSet<String>) -> Result<(), OpError> {
    for label in labels {
        if let Some(hold) = known.held.get(label) {
            let how = hold.lifted_by();
            return Err(OpError::Usage {
                what: format!("`{label}` is held: {}", hold.word()),
                help: vec![format!("`coasti {how} {label}` lifts that and starts it")],
            });
        }
        let mut containers = known.observed.containers.values();
        let of = |id: &ResourceId| id.label() == label;
        if !containers.any(|container| container.owner.resource.as_ref().is_some_and(of)) {
            return Err(OpError::Usage {
                what: format!("`{label}` has no container that could be restarted"),
                help: vec![format!(
                    "`coasti start {label}` makes it again as it was last applied"
                )],
            });
        }
    }
    Ok(())
}

/// Brings the labels back to the good revision.
async fn start<E: Engine>(
    session: &Session<'_, E>,
    mut known: Known,
    labels: &BTreeSet<String>,
) -> Result<(), OpError> {
    let Some(good) = known.good.clone() else {
        return Err(OpError::usage(
            "nothing was applied yet",
            &["`coasti apply` starts everything"],
        ));
    };
    let before = known.held.clone();
    known.held.retain(|label, _| !labels.contains(label));
    let key = known.key()?;
    let values = session.store().values(&known.head).await?;
    let wishes = Wishes {
        target: labels.clone(),
        ..Wishes::default()
    };
    let about = labels.iter().cloned().collect();
    to_stack(
        session,
        &known,
        &good.stack,
        None,
        &values,
        &key,
        &wishes,
        about,
    )
    .await?;
    if known.held != before {
        write_held(session, &known.held).await?;
    }
    Ok(())
}

async fn write_held<E: Engine>(session: &Session<'_, E>, held: &Held) -> Result<(), OpError> {
    let store = session.store();
    let mut head = store.peek().await?.head.unwrap_or_default();
    head.seq += 1;
    let mut entries = Vec::new();
    if held.is_empty() {
        head.held = 0;
    } else {
        head.held = head.seq;
        entries.push(Entry::json(format!("held/{}", head.held), held));
    }
    entries.extend(Entry::head(&head));
    Ok(store.write(entries).await?)
}

/// Stops, freezes, removes or restarts, dependants first; then the decision is kept.
async fn hold<E: Engine>(
    session: &Session<'_, E>,
    known: &Known,
    act: Act,
    labels: &BTreeSet<String>,
) -> Result<(), OpError> {
    let key = known.key()?;
    let plan = plan(known, session.stack, act, labels);
    let head = known.head.clone();
    let about = labels.iter().cloned().collect();
    let begin = Begin {
        head: &head,
        new_store: false,
        key: &key,
        values: None,
        revision: None,
        about,
        adopted: Vec::new(),
    };
    let mut head = session.begin(begin).await?;
    session.events.send(Event::Begin {
        what: act.word().to_owned(),
        steps: plan.steps.len(),
    });
    let stamp = session.stamp(&key);
    let empty = Stack::empty(session.stack.clone(), Some(session.id.clone()));
    let stack = known.good.as_ref().map_or(&empty, |good| &good.stack);
    let values = Values::new();
    let context = session.context(stack, &values, &stamp);
    let ran = exec::run(&context, &plan, &[Phase::Switch], &mut Made::new()).await;
    session.events.send(Event::End { ok: ran.is_ok() });
    if let Err(failure) = ran {
        let summary = format!("{}: {}", failure.doing, failure.error);
        session
            .end(
                &mut head,
                Outcome::NotUndone,
                summary,
                None,
                known.head.open,
            )
            .await?;
        let left = "done as far as it got; the same command goes on".to_owned();
        return Err(super::apply::failed(
            &failure,
            None,
            None,
            super::Undone::Partly(left),
            super::Kept::default(),
        ));
    }
    let hold = match act {
        Act::Stop => Some(Hold::Stopped),
        Act::Pause => Some(Hold::Paused),
        Act::Remove => Some(Hold::Removed),
        Act::Start | Act::Restart => None,
    };
    let done = format!(
        "{} {}",
        act.word(),
        labels.iter().cloned().collect::<Vec<_>>().join(", ")
    );
    if let Some(hold) = hold {
        let mut held = known.held.clone();
        held.extend(labels.iter().map(|label| (label.clone(), hold)));
        head.held = head.seq;
        let entry = Entry::json(format!("held/{}", head.held), &held);
        session.store().write(vec![entry]).await?;
    }
    session
        .end(&mut head, Outcome::Done, done, None, known.head.open)
        .await
}

/// The steps: each container after those that need it (stopping), or after those it needs (starting again).
fn plan(known: &Known, name: &StackName, act: Act, labels: &BTreeSet<String>) -> Plan {
    let mut steps: Vec<Step> = Vec::new();
    let stack = known.good.as_ref().map(|good| &good.stack);
    let mut containers: Vec<(&ResourceId, &Container)> = known
        .observed
        .containers
        .values()
        .filter_map(|container| Some((container.owner.resource.as_ref()?, container)))
        .filter(|(id, container)| {
            let ours = crate::base::names::object(name, &id.address);
            labels.contains(id.label())
                && (container.name == ours
                    || stack.is_some_and(|s| {
                        s.resources
                            .get(*id)
                            .is_some_and(|r| r.name == container.name)
                    }))
        })
        .collect();
    let resource = |id: &ResourceId| stack.and_then(|stack| stack.resources.get(id));
    let mut edges: graph::Edges<ResourceId> = BTreeMap::new();
    for (id, _) in &containers {
        let needs = edges.entry((*id).clone()).or_default();
        for (other, _) in &containers {
            let needed = resource(id).is_some_and(|r| r.needs.contains_key(*other));
            // An app's address is the start of its providers', also where nothing is known of them.
            let provider = other.address.starts_with(&format!("{}/", id.address));
            if other != id && (needed || provider) {
                needs.insert((*other).clone());
            }
        }
    }
    // Those that need others first.
    let order = graph::order(&edges).unwrap_or_default();
    let place = |id: &ResourceId| order.iter().position(|other| other == id);
    containers.sort_by_key(|(id, _)| (Reverse(place(id)), (*id).clone()));
    let needs = |id: &ResourceId, other: &ResourceId| {
        edges.get(id).is_some_and(|needs| needs.contains(other))
    };
    let mut stopped: BTreeMap<&ResourceId, usize> = BTreeMap::new();
    let mut add = |op: Op, of: &ResourceId, needs: BTreeSet<usize>| {
        let id = steps.len() + 1;
        steps.push(Step {
            id,
            op,
            needs,
            of: of.clone(),
            phase: Phase::Switch,
            cause: act.word().to_owned(),
        });
        id
    };
    for (id, container) in &containers {
        let target = Target::Known(container.id.clone());
        let after: BTreeSet<usize> = stopped
            .iter()
            .filter(|(other, _)| needs(other, id))
            .map(|(_, step)| *step)
            .collect();
        let status = container.state.status;
        let last = match act {
            Act::Pause if status == Status::Running => Some(add(Op::Pause { target }, id, after)),
            Act::Pause => None,
            Act::Stop | Act::Remove => {
                let mut last = Some(add(
                    Op::Unguard {
                        target: target.clone(),
                    },
                    id,
                    after,
                ));
                if status.is_active() {
                    last = Some(add(
                        Op::Stop {
                            target: target.clone(),
                        },
                        id,
                        last.into_iter().collect(),
                    ));
                }
                if act == Act::Remove {
                    last = Some(add(
                        Op::RemoveContainer { target },
                        id,
                        last.into_iter().collect(),
                    ));
                }
                last
            }
            Act::Restart | Act::Start if status.is_active() => {
                Some(add(Op::Stop { target }, id, after))
            }
            Act::Restart | Act::Start => None,
        };
        stopped.extend(last.map(|last| (*id, last)));
    }
    if act == Act::Restart {
        let all: BTreeSet<usize> = stopped.values().copied().collect();
        let mut ready: BTreeMap<&ResourceId, usize> = BTreeMap::new();
        for (id, container) in containers.iter().rev() {
            let about = resource(id).and_then(|r| r.about.as_ref());
            if about.is_some_and(|about| about.job) {
                // It has done its work: that is for `apply` to have done again.
                continue;
            }
            let mut after = all.clone();
            let before = ready.iter().filter(|(other, _)| needs(id, other));
            after.extend(before.map(|(_, step)| *step));
            let target = Target::Known(container.id.clone());
            let start = add(
                Op::Start {
                    target: target.clone(),
                },
                id,
                after,
            );
            let life = resource(id)
                .map(|r| r.life.update.clone())
                .unwrap_or_default();
            let wait = Op::AwaitHealthy {
                target,
                settle: life.settle,
                patience: life.timeout.max(Span::from_secs(1)),
            };
            ready.insert(*id, add(wait, id, BTreeSet::from([start])));
        }
    }
    Plan {
        stack: name.clone(),
        changes: Vec::new(),
        refusals: Vec::new(),
        notices: BTreeSet::new(),
        steps,
        outside: BTreeMap::new(),
    }
}

/// The container of an address, provider or label, for `logs` and `exec`.
pub fn container(known: &Known, named: &str) -> Result<EngineId, OpError> {
    let by_address = known.observed.containers.values().find(|c| {
        c.owner
            .resource
            .as_ref()
            .is_some_and(|id| id.address == named)
            && !c.name.ends_with(crate::base::names::PREV)
            || c.name == named
    });
    if let Some(container) = by_address {
        return Ok(container.id.clone());
    }
    let label = labels(known, &[named.to_owned()])?
        .into_iter()
        .next()
        .unwrap_or_default();
    known
        .observed
        .containers
        .values()
        .find(|c| {
            c.owner
                .resource
                .as_ref()
                .is_some_and(|id| id.address == label)
        })
        .map(|c| c.id.clone())
        .ok_or_else(|| {
            OpError::usage(
                format!("`{named}` has no container now"),
                &["`coasti status` shows what runs"],
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixture;

    #[test]
    fn apps_are_found_by_domain_and_by_their_host_alone() {
        let mut stack = fixture::stack();
        for (label, domain) in [
            ("wiki", "a.org/wiki"),
            ("docs", "a.org/docs"),
            ("blog", "b.org/blog"),
            ("shop", "c.org"),
        ] {
            fixture::app(&mut stack, label);
            let about = &mut fixture::container_mut(&mut stack, label).about;
            about.as_mut().unwrap().domain = Some(domain.to_owned());
        }
        let found = |name: &str| {
            let found = called(Some(&stack), name);
            found.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found("a.org/wiki"), "wiki");
        assert_eq!(found("https://A.org/docs/"), "docs");
        assert_eq!(found("b.org"), "blog");
        assert_eq!(found("c.org"), "shop");
        assert_eq!(found("a.org"), "docs wiki");
        assert_eq!(found("c.org/x"), "");
    }
}
