//! Calls: one method of the engine's API each, idempotent.

use super::{
    Docker, build, convert,
    create::{creation, endpoint, update},
    error::{self, Effect, says, status},
    image,
    read::{exec_ends, keep_last},
};
use crate::base::{EngineId, Secret};
use crate::engine::{Call, ContainerCreate, Done, EngineError, ErrorKind};
use crate::model::{Addresses, Attachment, LiveSpec, NetworkSpec};
use bollard::{
    errors::Error,
    exec::{StartExecOptions, StartExecResults},
    models::{ExecConfig, NetworkConnectRequest, NetworkDisconnectRequest, VolumeCreateRequest},
    query_parameters::{
        CreateContainerOptionsBuilder, InspectContainerOptions, RemoveContainerOptionsBuilder,
        RemoveVolumeOptions, RenameContainerOptionsBuilder, UploadToContainerOptionsBuilder,
        WaitContainerOptionsBuilder,
    },
};
use futures_util::{StreamExt, TryStreamExt};
use hyper::Method;
use std::{collections::BTreeMap, time::Duration};

/// How much of a command's output is kept: the newest bytes.
const OUTPUT_LIMIT: usize = 16 * 1024;

/// Makes one call, within its limit.
pub(super) async fn execute(
    docker: &Docker,
    call: &Call,
    limit: Duration,
) -> Result<Done, EngineError> {
    let what = call.to_string();
    tokio::time::timeout(limit, run(docker, call, &what))
        .await
        .unwrap_or_else(|_| {
            Err(EngineError::new(
                ErrorKind::Ambiguous,
                &what,
                format!("no answer within {} s", limit.as_secs_f32()),
            ))
        })
}

async fn run(docker: &Docker, call: &Call, what: &str) -> Result<Done, EngineError> {
    let client = &docker.client;
    let result = match call {
        Call::PullImage { reference } => return image::pull(docker, reference, what).await,
        Call::LoadImage { archive } => return image::load(docker, archive, what).await,
        Call::BuildImage(build) => return build::build(docker, build, what).await,
        Call::MakeEmptyImage { reference } => image::make_empty(docker, reference).await,
        Call::TagImage { image, tag } => image::tag(docker, image, tag).await,
        Call::UntagImage { tag } => gone_too(image::untag(docker, tag).await),
        Call::CreateNetwork { name, labels, spec } => {
            create_network(docker, name, labels, spec).await
        }
        Call::RemoveNetwork { id } => gone(client.remove_network(id.as_str()).await, &[]),
        Call::CreateVolume {
            name,
            labels,
            driver,
            options,
        } => {
            let request = VolumeCreateRequest {
                name: Some(name.clone()),
                driver: driver.clone(),
                driver_opts: Some(options.clone().into_iter().collect()),
                labels: Some(labels.clone().into_iter().collect()),
                cluster_volume_spec: None,
            };
            client
                .create_volume(request)
                .await
                .map(|volume| Done::Made(EngineId::new(volume.name)))
        }
        Call::RemoveVolume { name } => {
            // Without `force`: with it the engine also says yes where the driver said no.
            let options = None::<RemoveVolumeOptions>;
            gone(client.remove_volume(name.as_str(), options).await, &[])
        }
        Call::CreateContainer(create) => create_container(docker, create).await,
        Call::Start { id } => {
            let path = format!("/containers/{id}/start");
            post(docker, &path).await
        }
        Call::Stop { id, timeout } => {
            let seconds = timeout.map(|span| span.millis().div_ceil(1000));
            let query = seconds.map(|n| format!("?t={n}")).unwrap_or_default();
            let result = post(docker, &format!("/containers/{id}/stop{query}")).await;
            gone_too(result)
        }
        Call::Pause { id } => already(
            client.pause_container(id.as_str()).await,
            &[(409, "already paused")],
        ),
        Call::Unpause { id } => already(
            client.unpause_container(id.as_str()).await,
            &[(409, "is not paused"), (500, "is not paused")],
        ),
        Call::Rename { id, to } => already(
            client
                .rename_container(
                    id.as_str(),
                    RenameContainerOptionsBuilder::new().name(to).build(),
                )
                .await,
            &[
                (400, "same name as its current name"),
                (409, "same name as its current name"),
                (500, "same name as its current name"),
            ],
        ),
        Call::RemoveContainer { id } => remove_container(docker, id.as_str()).await,
        Call::Update { id, live } => return update_live(docker, id, live, what).await,
        Call::Connect {
            container,
            network,
            attachment,
        } => connect(docker, container.as_str(), network, attachment).await,
        Call::Disconnect { container, network } => {
            let request = NetworkDisconnectRequest {
                container: container.to_string(),
                force: None,
            };
            gone(
                client.disconnect_network(network, request).await,
                &[(403, "is not connected"), (500, "is not connected")],
            )
        }
        Call::Exec {
            container,
            argv,
            env,
            user,
        } => exec(docker, container, (argv, env), user.as_deref()).await,
        Call::Write {
            container,
            path,
            tar,
        } => {
            let options = UploadToContainerOptionsBuilder::new().path(path).build();
            let body = bollard::body_full(tar.expose().clone().into());
            client
                .upload_to_container(container, Some(options), body)
                .await
                .map(|()| Done::Done)
        }
    };
    result.map_err(|error| error::convert(what, error, Effect::Some))
}

/// A POST without a body, where 304 says that it was so before (bollard does not tell it from 204).
async fn post(docker: &Docker, path: &str) -> Result<Done, Error> {
    let reply = docker.wire.call(Method::POST, path, None).await?;
    Ok(if reply.head.status.as_u16() == 304 {
        Done::Already
    } else {
        Done::Done
    })
}

/// Done, or already so where the engine refuses with one of these.
fn already(result: Result<(), Error>, refusals: &[(u16, &str)]) -> Result<Done, Error> {
    match result {
        Ok(()) => Ok(Done::Done),
        Err(error)
            if refusals
                .iter()
                .any(|(code, text)| says(&error, *code, text)) =>
        {
            Ok(Done::Already)
        }
        Err(error) => Err(error),
    }
}

/// Likewise, where an object that is missing also means that there is nothing to do.
fn gone(result: Result<(), Error>, refusals: &[(u16, &str)]) -> Result<Done, Error> {
    gone_too(already(result, refusals))
}

fn gone_too(result: Result<Done, Error>) -> Result<Done, Error> {
    match result {
        Err(error) if status(&error) == Some(404) => Ok(Done::Already),
        other => other,
    }
}

/// Docker's form of a network to be made. bollard's type lacks `CheckDuplicate`; without it, engines before API 1.44
/// make a second network of the same name.
fn network_body(
    name: &str,
    labels: &BTreeMap<String, String>,
    spec: &NetworkSpec,
) -> serde_json::Value {
    let configs = spec.subnets().map(|(subnet, addresses)| {
        let Addresses {
            gateway,
            ip_range,
            aux_addresses,
        } = addresses;
        let others = (!aux_addresses.is_empty()).then_some(aux_addresses);
        let said = [
            ("Subnet", Some(serde_json::json!(subnet))),
            ("Gateway", gateway.map(|gateway| serde_json::json!(gateway))),
            ("IPRange", ip_range.map(|range| serde_json::json!(range))),
            (
                "AuxiliaryAddresses",
                others.map(|others| serde_json::json!(others)),
            ),
        ];
        let said = said.into_iter();
        said.filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect::<serde_json::Map<_, _>>()
    });
    serde_json::json!({
        "Name": name,
        "CheckDuplicate": true,
        "Driver": spec.driver.as_deref().unwrap_or("bridge"),
        "Internal": spec.internal,
        "EnableIPv6": spec.enable_ipv6.then_some(true),
        "Options": spec.options,
        "Labels": labels,
        "IPAM": {"Driver": "default", "Config": configs.collect::<Vec<_>>()},
    })
}

async fn create_network(
    docker: &Docker,
    name: &str,
    labels: &BTreeMap<String, String>,
    spec: &NetworkSpec,
) -> Result<Done, Error> {
    let body = network_body(name, labels, spec);
    let reply = docker
        .wire
        .call(Method::POST, "/networks/create", Some(body.to_string()))
        .await?;
    let value: serde_json::Value = serde_json::from_slice(&reply.body)?;
    let id = value.get("Id").and_then(|id| id.as_str()).unwrap_or(name);
    Ok(Done::Made(EngineId::new(id)))
}

async fn create_container(docker: &Docker, create: &ContainerCreate) -> Result<Done, Error> {
    let root = match &create.files {
        Some(delivery) => Some(
            docker
                .client
                .inspect_volume(&delivery.volume)
                .await?
                .mountpoint,
        ),
        None => None,
    };
    let creation = creation(create, root.as_deref());
    let options = CreateContainerOptionsBuilder::new()
        .name(&create.name)
        .build();
    let made = docker
        .client
        .create_container(Some(options), creation.body)
        .await?;
    for (network, endpoint) in creation.later {
        let request = NetworkConnectRequest {
            container: made.id.clone(),
            endpoint_config: Some(endpoint),
        };
        if let Err(error) = docker.client.connect_network(&network, request).await {
            // Half a container is none. Its own trouble must not hide why it was not finished.
            let _ = remove_container(docker, &made.id).await;
            return Err(error);
        }
    }
    Ok(Done::Made(EngineId::new(made.id)))
}

async fn remove_container(docker: &Docker, id: &str) -> Result<Done, Error> {
    // `v` stays false: it would remove anonymous volumes, and those may hold data.
    let options = RemoveContainerOptionsBuilder::new()
        .force(true)
        .v(false)
        .build();
    match docker.client.remove_container(id, Some(options)).await {
        Ok(()) => Ok(Done::Done),
        Err(error) if status(&error) == Some(404) => Ok(Done::Already),
        Err(error) if says(&error, 409, "already in progress") => {
            // Somebody else's removal: what is wanted is that it is gone, so wait for that.
            let options = WaitContainerOptionsBuilder::new()
                .condition("removed")
                .build();
            let mut wait = Box::pin(docker.client.wait_container(id, Some(options)));
            match wait.next().await {
                Some(Err(error @ Error::DockerResponseServerError { .. }))
                    if status(&error) != Some(404) =>
                {
                    Err(error)
                }
                _ => Ok(Done::Already),
            }
        }
        Err(error) => Err(error),
    }
}

/// Changes limits and restart policy, and looks whether it had an effect: Docker says yes to some changes
/// that it then does not make.
async fn update_live(
    docker: &Docker,
    id: &EngineId,
    live: &LiveSpec,
    what: &str,
) -> Result<Done, EngineError> {
    let client = &docker.client;
    let convert = |error| error::convert(what, error, Effect::Some);
    let mut tries = 0;
    loop {
        match client.update_container(id.as_str(), update(live)).await {
            Ok(_) => break,
            // Its process has just ended and the engine does not know yet: it drops the change then, and takes
            // it a moment later.
            Err(error) if tries < 100 && has_just_ended(&error) => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(convert(error)),
        }
    }
    let raw = client
        .inspect_container(id.as_str(), None::<InspectContainerOptions>)
        .await
        .map_err(convert)?;
    let now = convert::live(
        &raw.host_config.unwrap_or_default(),
        std::collections::HashMap::new(),
        id.as_str(),
    );
    let kept = |wanted: Option<i64>, now: Option<i64>| wanted.is_none() || wanted == now;
    let mut ignored = Vec::new();
    for (name, same) in [
        ("memory", kept(live.memory, now.memory)),
        ("memory and swap", kept(live.memory_swap, now.memory_swap)),
        ("cpus", kept(live.nano_cpus, now.nano_cpus)),
        ("pids", kept(live.pids, now.pids)),
        ("restart policy", live.restart == now.restart),
    ] {
        if !same {
            ignored.push(name);
        }
    }
    if ignored.is_empty() {
        return Ok(Done::Done);
    }
    Err(EngineError::new(
        ErrorKind::Rejected,
        what,
        format!(
            "the engine said yes but did not change: {}",
            ignored.join(", ")
        ),
    ))
}

/// Whether a change was refused because the container's process is gone, in the words of Docker, of
/// containerd and of what runs one container for it (which closes its connection when it ends).
fn has_just_ended(error: &Error) -> bool {
    [
        "cannot update a stopped container",
        "container not running",
        "ttrpc: closed",
        "process already finished",
        "no running task found",
    ]
    .iter()
    .any(|text| says(error, 500, text))
}

async fn connect(
    docker: &Docker,
    container: &str,
    network: &str,
    attachment: &Attachment,
) -> Result<Done, Error> {
    let request = NetworkConnectRequest {
        container: container.to_owned(),
        endpoint_config: Some(endpoint(attachment)),
    };
    already(
        docker.client.connect_network(network, request).await,
        &[
            (403, "already exists in network"),
            (409, "already exists in network"),
            (500, "already exists in network"),
            (403, "already attached to network"),
        ],
    )
}

async fn exec(
    docker: &Docker,
    container: &EngineId,
    (argv, env): (&[Secret<String>], &BTreeMap<String, Secret<String>>),
    user: Option<&str>,
) -> Result<Done, Error> {
    let config = ExecConfig {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        // By number: an image without /etc/passwd knows no `root`.
        user: Some(user.unwrap_or("0").to_owned()),
        cmd: Some(argv.iter().map(|word| word.expose().clone()).collect()),
        env: Some(variables(env)),
        ..ExecConfig::default()
    };
    let made = docker
        .client
        .create_exec(container.as_str(), config)
        .await?;
    let options = StartExecOptions::default();
    let started = docker.client.start_exec(&made.id, Some(options)).await?;
    let mut text = Vec::new();
    if let StartExecResults::Attached { mut output, .. } = started {
        while let Some(part) = output.try_next().await? {
            keep_last(&mut text, part.as_ref(), OUTPUT_LIMIT);
        }
    }
    Ok(Done::Ran {
        code: exit_code(docker, container, &made.id).await?,
        output: String::from_utf8_lossy(&text).into_owned(),
    })
}

fn variables(env: &BTreeMap<String, Secret<String>>) -> Vec<String> {
    env.iter()
        .map(|(name, value)| format!("{name}={}", value.expose()))
        .collect()
}

/// The exit code of a command whose output has ended: the engine may not have noted its end yet.
pub(super) async fn exit_code(
    docker: &Docker,
    container: &EngineId,
    exec: &str,
) -> Result<i64, Error> {
    let mut ends = None;
    loop {
        let now = docker.client.inspect_exec(exec).await?;
        match now.exit_code {
            Some(code) if now.running != Some(true) => return Ok(code),
            _ => {}
        }
        match &mut ends {
            // Tells also what ended before it was asked, so nothing is missed in between.
            None => ends = Some(exec_ends(&docker.wire, container).await?),
            Some(ends) => {
                if ends.line().await.is_none() {
                    return Err(Error::RequestTimeoutError);
                }
            }
        }
    }
}
