//! What the machine says that coasti runs on: ports that something listens on, routes, and whether an
//! engine's socket is this machine's own.

use crate::model::{Protocol, Subnet};
use crate::observe::Host;
use std::{
    collections::BTreeSet,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

/// Who may own a socket that leads to an engine here. A forwarded one (`ssh -L`) is owned by the forwarder.
const ENGINES: [&str; 4] = ["dockerd", "podman", "systemd", "init"];

/// Whether the engine at `socket` publishes ports in the network that this process sees.
///
/// `/proc/net/unix` lists the sockets of this network namespace only, for every user: an engine in another
/// namespace (or one whose socket was mounted into a container) is not in it. The owner's name then tells
/// an engine from something that forwards.
pub(super) fn is_local(socket: &Path, owner: Option<i32>) -> bool {
    let Some(owner) = owner.filter(|pid| *pid > 0) else {
        return false;
    };
    let name = fs::read_to_string(format!("/proc/{owner}/comm")).unwrap_or_default();
    if !ENGINES.contains(&name.trim()) {
        return false;
    }
    let Ok(wanted) = socket.canonicalize() else {
        return false;
    };
    let listed = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    listening_sockets(&listed).any(|path| {
        Path::new(path) == socket || Path::new(path).canonicalize().is_ok_and(|p| p == wanted)
    })
}

/// Paths of listening sockets in the form of `/proc/net/unix`.
fn listening_sockets(table: &str) -> impl Iterator<Item = &str> {
    table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        let path = fields.nth(3)?;
        // __SO_ACCEPTCON: somebody called listen().
        (flags & 0x1_0000 != 0 && path.starts_with('/')).then_some(path)
    })
}

/// What this machine uses itself. The kernel takes milliseconds to write each table, so not between other calls.
pub(super) async fn look() -> Host {
    let read = || Host {
        listening: listening(),
        routes: routes(),
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// Ports that something listens on in this network namespace. Of SCTP the kernel tells in another form, which is not
/// looked at.
fn listening() -> BTreeSet<(Protocol, u16)> {
    let mut ports = BTreeSet::new();
    for (file, protocol) in [
        ("tcp", Protocol::Tcp),
        ("tcp6", Protocol::Tcp),
        ("udp", Protocol::Udp),
        ("udp6", Protocol::Udp),
    ] {
        let state = if protocol == Protocol::Tcp {
            "0A"
        } else {
            "07"
        };
        let table = fs::read_to_string(format!("/proc/net/{file}")).unwrap_or_default();
        ports.extend(bound_ports(&table, state).map(|port| (protocol, port)));
    }
    ports
}

/// Local ports in the form of `/proc/net/tcp` that are in a state: listening ones, for UDP those without a peer.
fn bound_ports<'t>(table: &'t str, wanted: &'t str) -> impl Iterator<Item = u16> {
    table.lines().skip(1).filter_map(move |line| {
        let mut fields = line.split_whitespace();
        let port = fields.nth(1)?.rsplit_once(':')?.1;
        (fields.nth(1)? == wanted)
            .then(|| u16::from_str_radix(port, 16).ok())
            .flatten()
    })
}

/// Addresses that this machine routes somewhere, without the default route and Docker's own bridges.
fn routes() -> Vec<Subnet> {
    let table = fs::read_to_string("/proc/net/route").unwrap_or_default();
    routed(&table).collect()
}

/// Routes in the form of `/proc/net/route`.
fn routed(table: &str) -> impl Iterator<Item = Subnet> {
    table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let interface = fields.next()?;
        // The kernel prints the number that the address's bytes make on this machine.
        let number = |text| u32::from_str_radix(text, 16).ok().map(u32::from_be);
        let address = number(fields.next()?)?;
        let mask = number(fields.nth(5)?)?;
        // Docker's networks are seen as networks; their bridges stay for a moment after they are gone.
        let dockers = interface == "docker0" || interface.starts_with("br-");
        (mask != 0 && !dockers).then(|| Subnet {
            address: IpAddr::V4(Ipv4Addr::from(address)),
            prefix: u8::try_from(mask.count_ones()).unwrap_or(32),
        })
    })
}

/// Bytes that are free for us at `path`.
pub(super) fn free(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_kernel_are_read() {
        let tcp = "  sl  local_address rem_address   st tx_queue rx_queue\n\
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1\n\
            1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000 0 0 1 1\n";
        assert_eq!(bound_ports(tcp, "0A").collect::<Vec<_>>(), [8080]);
        let route = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n\
            eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\n\
            eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\n\
            docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\n";
        let routes: Vec<_> = routed(route).map(|subnet| subnet.to_string()).collect();
        assert_eq!(routes, ["192.168.0.0/24"]);
        let unix = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000: 00000002 00000000 00010000 0001 01 123 /run/docker.sock\n\
            0000: 00000003 00000000 00000000 0001 03 124 /run/other.sock\n\
            0000: 00000003 00000000 00000000 0001 03 125\n";
        assert_eq!(
            listening_sockets(unix).collect::<Vec<_>>(),
            ["/run/docker.sock"]
        );
    }
}
