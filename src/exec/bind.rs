//! From a step to a call: engine ids and secrets are filled in just before it is made.

use super::files::Filling;
use crate::base::{EngineId, Kind, ResourceId, Secret, ValueId};
use crate::build::{LABEL_BUILD, LABEL_STACK};
use crate::engine::{Call, ContainerCreate, Delivery, ImageBuild};
use crate::exec::Made;
use crate::model::{
    Command, ContainerSpec, FileSpec, ImageSpec, LiveSpec, Resource, Restart, RestartName, Spec,
    Stack, Text,
};
use crate::observe::Stamp;
use crate::plan::{Op, Step, Target};
use crate::services;
use std::collections::BTreeMap;

/// Values by id.
pub type Values = BTreeMap<ValueId, Secret<String>>;

/// What a step needs besides itself.
pub(super) struct Binder<'a> {
    pub(super) desired: &'a Stack,
    pub(super) values: &'a Values,
    pub(super) stamp: &'a Stamp,
    pub(super) made: &'a Made,
}

impl Binder<'_> {
    /// The engine's id of a target.
    pub(super) fn id(&self, target: &Target) -> Result<EngineId, String> {
        match target {
            Target::Known(id) => Ok(id.clone()),
            Target::New(of) => self
                .made
                .get(of)
                .cloned()
                .ok_or_else(|| format!("{of} was not made")),
        }
    }

    pub(super) fn resource(&self, of: &ResourceId) -> Result<&Resource, String> {
        self.desired
            .resources
            .get(of)
            .ok_or_else(|| format!("{of} is not in the stack"))
    }

    /// The call of a step; none for waits and gates.
    pub(super) fn call(&self, step: &Step) -> Result<Option<Call>, String> {
        let of = &step.of;
        Ok(Some(match &step.op {
            Op::FetchImage => {
                let resource = self.resource(of)?;
                match &resource.spec {
                    Spec::Image(ImageSpec {
                        archive: Some(archive),
                        ..
                    }) => Call::LoadImage {
                        archive: archive.into(),
                    },
                    _ => Call::PullImage {
                        reference: resource.name.clone(),
                    },
                }
            }
            Op::BuildImage { pull } => {
                let resource = self.resource(of)?;
                let Spec::Image(ImageSpec {
                    build: Some(spec), ..
                }) = &resource.spec
                else {
                    return Err(format!("{of} is not built"));
                };
                let spec = (**spec).clone();
                let mut labels = spec.labels.clone();
                labels.insert(LABEL_BUILD.to_owned(), spec.digest().to_string());
                labels.insert(LABEL_STACK.to_owned(), self.stamp.stack.to_string());
                Call::BuildImage(Box::new(ImageBuild {
                    reference: resource.name.clone(),
                    pull: pull.clone(),
                    spec,
                    labels,
                }))
            }
            Op::CreateNetwork => {
                let resource = self.resource(of)?;
                let Spec::Network(spec) = &resource.spec else {
                    return Err(format!("{of} is no network"));
                };
                Call::CreateNetwork {
                    name: resource.name.clone(),
                    labels: self.stamp.labels(of, resource),
                    spec: spec.clone(),
                }
            }
            Op::CreateVolume => {
                let resource = self.resource(of)?;
                let Spec::Volume(spec) = &resource.spec else {
                    return Err(format!("{of} is no volume"));
                };
                let option = |(name, text): (&String, &Text)| {
                    let text = text.resolve(self.values).map_err(|id| missing(&id))?;
                    Ok((name.clone(), text.expose().clone()))
                };
                Call::CreateVolume {
                    name: resource.name.clone(),
                    labels: self.stamp.labels(of, resource),
                    driver: spec.driver.clone(),
                    options: spec
                        .options
                        .iter()
                        .map(option)
                        .collect::<Result<_, String>>()?,
                }
            }
            Op::CreateContainer { name } => {
                let resource = self.resource(of)?;
                let Spec::Container(spec) = &resource.spec else {
                    return Err(format!("{of} is no container"));
                };
                let labels = self.stamp.labels(of, resource);
                let files = self.delivery(of)?;
                Call::CreateContainer(Box::new(self.create(name, spec, files, labels)?))
            }
            Op::Unguard { target } => {
                let restart = Restart {
                    name: RestartName::No,
                    max_retries: 0,
                };
                Call::Update {
                    id: self.id(target)?,
                    live: LiveSpec {
                        restart,
                        ..LiveSpec::default()
                    },
                }
            }
            Op::Stop { target } => Call::Stop {
                id: self.id(target)?,
                timeout: None,
            },
            Op::Rename { target, to } => Call::Rename {
                id: self.id(target)?,
                to: to.clone(),
            },
            Op::Update { target, live } => Call::Update {
                id: self.id(target)?,
                live: live.clone(),
            },
            Op::Disconnect { target, network } => Call::Disconnect {
                container: self.id(target)?,
                network: network.clone(),
            },
            Op::Connect {
                target,
                network,
                attachment,
            } => Call::Connect {
                container: self.id(target)?,
                network: network.clone(),
                attachment: attachment.clone(),
            },
            Op::Pause { target } => Call::Pause {
                id: self.id(target)?,
            },
            Op::Unpause { target } => Call::Unpause {
                id: self.id(target)?,
            },
            Op::Start { target } => Call::Start {
                id: self.id(target)?,
            },
            Op::RemoveContainer { target } => Call::RemoveContainer {
                id: self.id(target)?,
            },
            Op::RemoveNetwork { id } => Call::RemoveNetwork { id: id.clone() },
            Op::Prepared
            | Op::WriteFiles
            | Op::RemoveFiles { .. }
            | Op::AwaitHealthy { .. }
            | Op::AwaitBack { .. }
            | Op::AwaitCompleted { .. }
            | Op::PostRun { .. }
            | Op::Verify { .. } => {
                return Ok(None);
            }
        }))
    }

    fn create(
        &self,
        name: &str,
        spec: &ContainerSpec,
        files: Option<Delivery>,
        labels: BTreeMap<String, String>,
    ) -> Result<ContainerCreate, String> {
        let resolve = |text: &Text| text.resolve(self.values).map_err(|id| missing(&id));
        let list = |texts: &Option<Vec<Text>>| {
            texts
                .as_ref()
                .map(|texts| texts.iter().map(resolve).collect::<Result<Vec<_>, _>>())
                .transpose()
        };
        let env = spec
            .env
            .iter()
            .map(|(key, text)| Ok((key.clone(), resolve(text)?)));
        Ok(ContainerCreate {
            name: name.to_owned(),
            env: env.collect::<Result<_, String>>()?,
            command: list(&spec.command)?,
            entrypoint: list(&spec.entrypoint)?,
            spec: self.resolved(spec)?,
            files,
            labels,
        })
    }

    fn files(&self, of: &ResourceId) -> Result<(&Resource, &FileSpec), String> {
        let resource = self.resource(of)?;
        match &resource.spec {
            Spec::File(spec) => Ok((resource, spec)),
            _ => Err(format!("{of} is no files")),
        }
    }

    /// The files that a container gets; none where it gets none.
    fn delivery(&self, container: &ResourceId) -> Result<Option<Delivery>, String> {
        let needs = &self.resource(container)?.needs;
        let Some(of) = needs.keys().find(|need| need.kind == Kind::File) else {
            return Ok(None);
        };
        let (resource, spec) = self.files(of)?;
        Ok(Some(Delivery {
            volume: resource.name.clone(),
            files: spec.inside(),
        }))
    }

    /// The volume of a container's files: its name, its labels, and the files in it.
    pub(super) fn filling(&self, of: &ResourceId) -> Result<Filling, String> {
        let (resource, spec) = self.files(of)?;
        let names = spec.inside();
        let mut files = Vec::new();
        for (path, file) in &spec.files {
            let content = file.content.resolve(self.values);
            let content = content.map_err(|id| missing(&id))?;
            files.extend(
                names
                    .get(path)
                    .map(|name| (name.clone(), file.clone(), content)),
            );
        }
        Ok(Filling {
            volume: resource.name.clone(),
            labels: self.stamp.labels(of, resource),
            files,
        })
    }

    /// The spec with its health check's words resolved, and with the ids of containers whose network,
    /// processes or memory it has where this run made those: their names are others' until they are switched to.
    fn resolved(&self, spec: &ContainerSpec) -> Result<ContainerSpec, String> {
        let mut spec = spec.clone();
        spec.rename_shared(|other| {
            let (id, _) = self.desired.by_name(Kind::Container, other)?;
            self.made.get(id).map(EngineId::to_string)
        });
        for text in spec.health.iter_mut().flat_map(|health| &mut health.test) {
            let word = text.resolve(self.values).map_err(|id| missing(&id))?;
            *text = Text::plain(word.expose().clone());
        }
        Ok(spec)
    }

    /// The post-run commands of a container, each with what is shown of it. They are split as a shell splits
    /// words; values are variables of theirs.
    pub(super) fn post_run(
        &self,
        of: &ResourceId,
        id: &EngineId,
    ) -> Result<Vec<(String, Call)>, String> {
        let Spec::Container(spec) = &self.resource(of)?.spec else {
            return Ok(Vec::new());
        };
        let resolve = |text: &Text| text.resolve(self.values).map_err(|id| missing(&id));
        let call = |text: &Text| {
            let shown = text.show();
            let words = text
                .words()
                .ok_or_else(|| format!("post-run command `{shown}` has an open quote"))?;
            let command = Command::new(words, services::ASKS);
            let argv = command.argv.iter().map(resolve);
            let env = command
                .env
                .iter()
                .map(|(name, value)| Ok((name.clone(), resolve(value)?)));
            let call = Call::Exec {
                container: id.clone(),
                argv: argv.collect::<Result<_, String>>()?,
                env: env.collect::<Result<_, String>>()?,
                user: Some("root".to_owned()),
            };
            Ok((shown, call))
        };
        spec.post_run.iter().map(call).collect()
    }
}

fn missing(id: &ValueId) -> String {
    format!("value {id} is not in the store")
}

/// Whether a step makes something whose id later steps need.
pub(super) fn makes(step: &Step) -> bool {
    step.of.kind == Kind::Container && matches!(step.op, Op::CreateContainer { .. })
}
