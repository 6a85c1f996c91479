//! Everything that a plan is made of, gathered by reading alone.
//!
//! The fast path makes no GET of the store: digests of generated values are taken from the labels of running
//! containers; where the files then seal to the very digest that the store's pointer names, they are proven
//! right by it, and what was last applied is known without being read. What the host itself uses is not asked
//! for either, unless a port or a network is still to be had.

use super::adopt;
use super::error::OpError;
use super::left::{self, Writers};
use super::lost;
use super::rebuilt;
use super::secrets::applied;
use super::values::align;
use crate::base::{Digest, Key, ResourceId, Secret, StackId, StackName, ValueId, names};
use crate::config::{Desired, Facts, Sealed, seal};
use crate::diag::Diagnostics;
use crate::diff::{Adopted, Cause, Held, Inputs, Notice, Reason, Refusal, Wishes, carried};
use crate::engine::{Look, Scope};
use crate::exec::Values;
use crate::model::{Spec, Stack, Text};
use crate::observe::Observed;
use crate::plan::{Plan, plan};
use crate::store::{Peek, Store, record::Revision};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What was gathered.
pub struct Gathered {
    /// The files' stack, every choice made.
    pub sealed: Sealed,
    /// What the engine has.
    pub observed: Observed,
    /// The store's key and pointers.
    pub peek: Peek,
    /// The key of digests; a fresh one where there is no store yet.
    pub key: Key,
    /// What was last applied and good.
    pub base: Option<Stack>,
    /// Who wrote to data that runs which were undone left.
    left: Writers,
    /// Decisions that stand, by the labels of what was last applied.
    pub held: Held,
    /// Generated values and secrets, where they had to be read.
    pub values: Option<Values>,
    /// Values that are lost with the store, or that are others than those of what is taken over; by the data that
    /// was made with them.
    pub lost: Vec<Refusal>,
    /// Warnings.
    pub diagnostics: Diagnostics,
    /// The run that was cut off, where there is one.
    pub open: Option<u64>,
    /// Digests of the generated values that there are.
    pub(super) digests: BTreeMap<ValueId, Digest>,
    /// Values of which an apply makes new ones.
    pub(super) fresh: BTreeSet<ValueId>,
    /// Secrets of files that cannot be opened here, as they were applied.
    opened: Values,
    /// Whether the engine is on this machine.
    local: bool,
    /// The version of its API.
    api: (u32, u32),
    /// Its platform, where the files name one.
    platform: String,
    /// What that had begun to take over.
    pub adopted: Vec<Adopted>,
}

/// Gathers.
pub async fn gather<L: Look>(look: &L, desired: &Desired) -> Result<Gathered, OpError> {
    let store = Store::new(look, &desired.name);
    let scope = Scope {
        stack: desired.name.clone(),
        images: desired.images(),
        adopt: desired.adopts(),
    };
    let (peek, observed) = tokio::join!(store.peek(), look.observe(&scope));
    let (peek, mut observed) = (peek?, observed?);
    identity(
        &desired.name,
        desired.id.as_ref(),
        &desired.deploy_file.name,
        &observed,
    )?;
    let key = match &peek.key {
        Some(key) => key.clone(),
        None => Key::new(random()?),
    };
    let begun = match &peek.head {
        Some(head) => adopt::begun(look, &desired.name, head).await?,
        None => Vec::new(),
    };
    adopt::look_at(look, &begun, &mut observed).await?;
    let mut diagnostics = Diagnostics::new();
    let (local, api) = (look.info().local, look.info().api_number());
    let platform = match desired.names_platform() {
        true => look.platform().await?,
        false => String::new(),
    };
    let head = peek.head.clone().unwrap_or_default();
    let nothing = BTreeMap::new();
    let foreign_key = has_foreign_key(&observed, &key);
    // Whether a file that cannot be opened here is the one that was applied, the store knows.
    let opens = desired.locked().is_empty();
    if opens && !foreign_key && head.held == 0 && head.digest.is_some() {
        let claims = claims(&observed, &key);
        let facts = Facts {
            key: &key,
            values: &claims,
            opened: &nothing,
            observed: &observed,
            previous: None,
            local,
            api,
            platform: &platform,
        };
        let mut first = Diagnostics::new();
        if let Some(sealed) = seal(desired, &facts, &mut first)
            && Some(sealed.stack.digest()) == head.digest
            && !sealed.asks_host(&observed)
        {
            let base = Some(sealed.stack.clone());
            return Ok(Gathered {
                sealed,
                observed,
                key,
                base,
                // What these files write to, the good revision writes to.
                left: Writers::new(),
                held: Held::new(),
                values: None,
                lost: Vec::new(),
                diagnostics: first,
                open: head.open,
                digests: claims,
                opened: nothing,
                fresh: BTreeSet::new(),
                local,
                api,
                platform,
                adopted: begun,
                peek,
            });
        }
    }
    observed.host = look.host().await;
    let base: Option<Revision> = match &head.good {
        Some(id) => store.revision(id).await?,
        None => None,
    };
    let held = store.held(&head).await?;
    let left = store.left(&head).await?;
    let mut values = store.values(&head).await?;
    // A run that was undone may have made others. An import, after which there is no digest, means its own.
    if let Some(base) = base.as_ref().filter(|_| head.digest.is_some()) {
        let fleeting: BTreeSet<_> = desired.fleeting().collect();
        align(&mut values, &base.stack, &key, |id| fleeting.contains(id));
    }
    let store_lost = peek.key.is_none()
        && observed
            .containers
            .values()
            .any(|c| c.owner.resource.is_some());
    if store_lost || foreign_key {
        rebuilt::rebuild(look, &desired.name, &observed, &mut values).await?;
        rebuilt::rekey(&mut observed, &key, &values);
    }
    let opened = applied::recall(desired, &key, &values, &mut diagnostics);
    let digest = |(id, value): (&ValueId, &Secret<String>)| {
        (id.clone(), key.keyed(value.expose().as_bytes()))
    };
    let mut digests: BTreeMap<ValueId, Digest> = values.iter().map(digest).collect();
    let (mut sealed, mut own);
    let mut taken = Values::new();
    loop {
        let facts = Facts {
            key: &key,
            values: &digests,
            opened: &opened,
            observed: &observed,
            previous: base.as_ref().map(|base| &base.stack),
            local,
            api,
            platform: &platform,
        };
        own = Diagnostics::new();
        sealed = seal(desired, &facts, &mut own);
        // What is taken over brings values along.
        let of = |sealed: &Sealed| adopt::values(sealed, &observed, &digests);
        let found = sealed.as_ref().map(of).unwrap_or_default();
        if found.is_empty() {
            break;
        }
        digests.extend(found.iter().map(digest));
        taken.extend(found);
    }
    diagnostics.extend(own);
    let Some(mut sealed) = sealed else {
        return Err(OpError::Files(diagnostics));
    };
    // An apply keeps them as it keeps those of the files.
    sealed.given.extend(taken);
    if diagnostics.has_errors() {
        return Err(OpError::Files(diagnostics));
    }
    let kept = lost::Kept {
        digests: &digests,
        base: base.as_ref().map(|base| &base.stack),
        store: peek.key.is_some(),
    };
    let mut lost = lost::lost(&sealed, &observed, &kept);
    lost.extend(adopt::misfits(&sealed.stack, &observed, &key));
    Ok(Gathered {
        digests,
        opened,
        fresh: BTreeSet::new(),
        local,
        api,
        platform,
        sealed,
        observed,
        key,
        base: base.map(|base| base.stack),
        left,
        held,
        values: Some(values),
        lost,
        diagnostics,
        open: head.open,
        adopted: begun,
        peek,
    })
}

impl Gathered {
    /// The last good revision's stack as it is kept ([`Gathered::base`] is the files' where those are the same), with
    /// what is known of data that it does not write to.
    pub(super) async fn as_applied<L: Look>(
        &self,
        store: &Store<'_, L>,
    ) -> Result<Option<Stack>, OpError> {
        let head = self.peek.head.clone().unwrap_or_default();
        let base = match (&self.values, &head.good) {
            (None, Some(id)) => store.revision(id).await?.map(|kept| kept.stack),
            _ => self.base.clone(),
        };
        let stack = &self.sealed.stack;
        let writers = left::writers(store, &head, Some(stack), &self.observed).await?;
        Ok(left::with(base.as_ref(), stack, writers))
    }

    /// What was last applied and good, with who wrote to the data that is there besides.
    pub(super) fn past(&self) -> Option<Cow<'_, Stack>> {
        let base = self.base.as_ref();
        match self.left.is_empty() {
            true => base.map(Cow::Borrowed),
            false => left::with(base, &self.sealed.stack, self.left.clone()).map(Cow::Owned),
        }
    }

    /// The plan to the files' stack.
    pub fn plan(&self, wishes: &Wishes) -> Plan {
        let held = self.held();
        let past = self.past();
        let inputs = Inputs {
            desired: &self.sealed.stack,
            observed: &self.observed,
            base: past.as_deref(),
            held: &held,
            wishes,
        };
        let mut plan = plan(&inputs);
        self.own_doing(&mut plan);
        if lost::history(&self.sealed.stack.name, &self.peek, &self.observed) {
            plan.notices.insert(Notice::NoHistory);
        }
        let lost = self
            .lost
            .iter()
            .filter(|lost| !wishes.new_data.contains(lost.id.label()));
        plan.refusals.extend(lost.cloned());
        if !plan.refusals.is_empty() {
            plan.steps.clear();
        }
        plan
    }

    /// The files' stack with these values.
    pub(super) fn seal(
        &self,
        desired: &Desired,
        digests: &BTreeMap<ValueId, Digest>,
    ) -> Result<Sealed, OpError> {
        let facts = Facts {
            key: &self.key,
            values: digests,
            opened: &self.opened,
            observed: &self.observed,
            previous: self.base.as_ref(),
            local: self.local,
            api: self.api,
            platform: &self.platform,
        };
        let mut diagnostics = Diagnostics::new();
        let sealed = seal(desired, &facts, &mut diagnostics);
        let mut sealed = sealed.ok_or(OpError::Files(diagnostics))?;
        sealed.stack.id.clone_from(&self.sealed.stack.id);
        Ok(sealed)
    }

    /// As if this were a value's.
    pub(super) fn pretend(
        &mut self,
        desired: &Desired,
        id: &ValueId,
        value: &Secret<String>,
    ) -> Result<(), OpError> {
        let digest = self.key.keyed(value.expose().as_bytes());
        self.digests.insert(id.clone(), digest);
        self.sealed = self.seal(desired, &self.digests)?;
        Ok(())
    }

    /// What coasti itself did is nobody else's: what a destroy took, and that a run which was cut off had
    /// containers stay down.
    fn own_doing(&self, plan: &mut Plan) {
        let destroyed = self.peek.head.as_ref().is_some_and(|head| head.down);
        for change in &mut plan.changes {
            for reason in &mut change.reasons {
                if destroyed && *reason == Reason::Gone {
                    *reason = Reason::New;
                }
            }
            for field in &mut change.fields {
                let let_stay_down = field.field == "restart" && field.from.as_deref() == Some("no");
                if self.open.is_some() && field.cause == Cause::Drift && let_stay_down {
                    field.cause = Cause::Run;
                }
            }
        }
    }

    /// Decisions that stand, by the labels of the files.
    pub fn held(&self) -> Held {
        carried(&self.held, self.base.as_ref(), &self.sealed.stack)
    }

    /// What has to be known of a run that was cut off, where there is one: the objects that it left are told
    /// by its id.
    pub async fn after_cut_off<L: Look>(&self, look: &L, wishes: &mut Wishes) {
        let Some(open) = self.open else { return };
        wishes.cut_off = true;
        wishes.adopted.clone_from(&self.adopted);
        let runs = Store::new(look, &self.sealed.stack.name).runs().await;
        let Some(run) = runs.into_iter().flatten().find(|run| run.seq == open) else {
            return;
        };
        wishes.distrust = Some(run.id);
        let store = Store::new(look, &self.sealed.stack.name);
        let attempted = match &run.revision {
            Some(id) => store.revision(id).await.ok().flatten(),
            None => None,
        };
        if let (Some(attempted), Some(base)) = (attempted, &self.base) {
            let differs = |id: &&ResourceId| attempted.stack.container(id) != base.container(id);
            let ids = base.containers().map(|(id, ..)| id).filter(differs);
            wishes.ending = ids.cloned().collect();
        }
    }
}

impl Gathered {
    /// Whether what was last applied, and what is held, is kept and cannot be read.
    pub fn has_no_holder(&self) -> bool {
        has_no_holder(&self.sealed.stack.name, &self.observed)
    }

    /// A label that nothing has is a typing error, not an empty plan.
    pub fn check_labels(&self, wishes: &Wishes) -> Result<(), OpError> {
        let stacks = [Some(&self.sealed.stack), self.base.as_ref()];
        let labels: BTreeSet<&str> = stacks
            .into_iter()
            .flatten()
            .flat_map(Stack::containers)
            .map(|(id, ..)| id.label())
            .collect();
        let mut named = wishes
            .target
            .iter()
            .chain(&wishes.replace)
            .chain(&wishes.new_data);
        let Some(name) = named.find(|name| !labels.contains(name.as_str())) else {
            return self.check_forced(wishes);
        };
        let all = labels.iter().copied();
        let mut help = vec![format!(
            "labels here: {}",
            all.clone().collect::<Vec<_>>().join(", ")
        )];
        let near = crate::diag::did_you_mean(name, all);
        help.extend(near.map(|near| format!("did you mean `{near}`?")));
        Err(OpError::Usage {
            what: format!("no site has the label `{name}`"),
            help,
        })
    }

    /// What is to be replaced must be among what is looked at.
    fn check_forced(&self, wishes: &Wishes) -> Result<(), OpError> {
        let target = wishes.target_with_old(&self.sealed.stack, self.base.as_ref());
        let mut left_out = wishes.replace.iter();
        let left_out = left_out.find(|name| !target.is_empty() && !target.contains(*name));
        left_out.map_or(Ok(()), |name| {
            Err(OpError::usage(
                format!("--replace {name} is not within --target"),
                &[&format!(
                    "name it too: --target {name}, or leave out --target"
                )],
            ))
        })
    }

    /// What runs where all is well: the good revision, unless it was destroyed.
    pub fn up(&self) -> Option<&Stack> {
        let down = self.peek.head.as_ref().is_some_and(|head| head.down);
        self.base.as_ref().filter(|_| !down)
    }
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], OpError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| OpError::usage(format!("the system gives no randomness: {error}"), &[]))?;
    Ok(bytes)
}

/// Refuses what is another folder's stack, before anything of it is told or changed.
pub async fn owned<L: Look>(
    look: &L,
    name: &StackName,
    id: Option<&StackId>,
) -> Result<Observed, OpError> {
    let scope = Scope {
        stack: name.clone(),
        images: BTreeSet::new(),
        adopt: BTreeSet::new(),
    };
    let observed = look.observe(&scope).await?;
    identity(name, id, "config/deploy.yml", &observed)?;
    Ok(observed)
}

/// Likewise, where the history is asked for: it must be within reach.
pub async fn within_reach<L: Look>(
    look: &L,
    name: &StackName,
    id: Option<&StackId>,
) -> Result<(), OpError> {
    match has_no_holder(name, &owned(look, name, id).await?) {
        true => Err(no_holder(name)),
        false => Ok(()),
    }
}

/// Whether the store is there, and the container through which it is read is not.
pub(super) fn has_no_holder(name: &StackName, observed: &Observed) -> bool {
    let store = names::store(name);
    observed.volumes.contains_key(&store) && !observed.containers.contains_key(&store)
}

pub(super) fn no_holder(name: &StackName) -> OpError {
    let store = names::store(name);
    OpError::Usage {
        what: format!(
            "the history of `{name}` cannot be read: the container `{store}` was removed (by a clean-up?)"
        ),
        help: vec![format!(
            "coasti recover makes it again; all that was kept is in the volume `{store}`"
        )],
    }
}

/// The engine must not have this stack under another id.
pub(super) fn identity(
    name: &StackName,
    id: Option<&StackId>,
    file: &str,
    observed: &Observed,
) -> Result<(), OpError> {
    let same_id = |(_, theirs): &&(String, String)| id.is_some_and(|id| id.as_str() == theirs);
    if let Some((old, id)) = observed.foreign.stacks.iter().find(same_id) {
        return Err(OpError::Policy {
            what: format!(
                "P0201: {file} says `stack: {name}`, and this engine has its id {id} as stack `{old}`"
            ),
            help: vec![
                format!(
                    "put `stack: {old}` back: a stack is not renamed, its containers and volumes bear its name, or"
                ),
                format!(
                    "if `{name}` is another stack: leave `id` out, and coasti makes one (`{old}` and its data stay; \
                     `coasti destroy` with its own files stops it)"
                ),
            ],
        });
    }
    // The lock bears the id of whoever just took it.
    let lock = names::lock(name);
    let ids: BTreeSet<_> = observed
        .containers
        .values()
        .filter(|c| c.name != lock)
        .map(|c| &c.owner)
        .chain(observed.volumes.values().map(|v| &v.owner))
        .chain(observed.networks.values().map(|n| &n.owner))
        .filter_map(|owner| owner.id.clone())
        .collect();
    match (id, ids.first()) {
        (None, Some(theirs)) => Err(OpError::Policy {
            what: format!(
                "P0201: this engine already has a stack `{name}` with id {theirs}, and {file} has no id"
            ),
            help: vec![
                format!("if this folder is that stack: put `id: {theirs}` into {file}"),
                format!("if it is another one: give it another name in {file} (`stack: …`)"),
            ],
        }),
        (Some(ours), Some(_)) if !ids.contains(ours) => {
            let theirs: Vec<_> = ids.iter().map(ToString::to_string).collect();
            Err(OpError::Policy {
                what: format!(
                    "P0201: this engine has stack `{name}` with id {}, and {file} says {ours}",
                    theirs.join(" and ")
                ),
                help: vec![
                    "two folders with one name must not work on one engine: rename one of them (`stack: …`), or"
                        .into(),
                    format!("put the engine's id into {file} if this folder is to take that stack over"),
                ],
            })
        }
        _ => Ok(()),
    }
}

/// Digests of generated values as the labels of running containers have them.
fn claims(observed: &Observed, key: &Key) -> BTreeMap<ValueId, Digest> {
    let fingerprint = key.fingerprint();
    let mut claims = BTreeMap::new();
    for container in observed
        .containers
        .values()
        .filter(|c| c.owner.key.as_ref() == Some(&fingerprint))
    {
        let Some(Spec::Container(spec)) = &container.owner.spec else {
            continue;
        };
        for value in spec.texts().flat_map(Text::values) {
            if let Some(digest) = &value.digest {
                claims.insert(value.id.clone(), digest.clone());
            }
        }
    }
    claims
}

/// Whether containers of ours bear digests of another key: the store was lost and made anew.
fn has_foreign_key(observed: &Observed, key: &Key) -> bool {
    let fingerprint = key.fingerprint();
    observed.containers.values().any(|c| {
        c.owner.resource.is_some() && c.owner.key.as_ref().is_some_and(|k| *k != fingerprint)
    })
}
