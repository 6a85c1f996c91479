//! What Docker refuses when it makes or starts a container, and what makes no sense there: said when the files
//! are read, not in the middle of an apply.

use crate::base::size;
use crate::model::{ContainerSpec, Log, NetworkMode};
use std::net::IpAddr;

/// What is wrong, as help: what would be right.
type Rule = Result<(), String>;

fn rule(fine: bool, help: &str) -> Rule {
    if fine { Ok(()) } else { Err(help.to_owned()) }
}

const SIGNALS: &[&str] = &[
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL",
    "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP",
    "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
];

/// `TERM`, `SIGTERM`, `SIGRTMIN+3` or a number.
pub(in crate::config) fn signal(text: &str) -> Rule {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let step = |start: &str, most: u8| {
        let number = name.strip_prefix(start)?;
        let number = number.parse::<u8>().ok()?;
        Some((1..=most).contains(&number))
    };
    let fine = SIGNALS.contains(&name)
        || matches!(name, "RTMIN" | "RTMAX")
        || step("RTMIN+", 15) == Some(true)
        || step("RTMAX-", 14) == Some(true)
        || text.parse::<u8>().is_ok_and(|n| (1..=64).contains(&n));
    rule(
        fine,
        "a signal's name, such as `SIGTERM` or `TERM`, or its number from 1 to 64",
    )
}

/// `linux/arm64/v8`, `linux/amd64`, `amd64`, `linux`, in the words of engines: what is usual is left out.
fn normal(text: &str) -> Option<String> {
    const SYSTEMS: &[&str] = &["darwin", "freebsd", "linux", "windows"];
    const MACHINES: &[&str] = &[
        "386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x",
    ];
    let lower = text.to_ascii_lowercase();
    let (system, rest) = match lower.split_once('/') {
        Some((system, rest)) => (system, Some(rest)),
        None if SYSTEMS.contains(&lower.as_str()) => (lower.as_str(), None),
        None => ("linux", Some(lower.as_str())),
    };
    let system = match system {
        "macos" => "darwin",
        other => other,
    };
    let Some(rest) = rest else {
        return Some(system.to_owned());
    };
    let (machine, variant) = rest.split_once('/').unwrap_or((rest, ""));
    let (machine, variant) = match (machine, variant) {
        ("x86_64" | "x86-64" | "amd64", "" | "v1") => ("amd64", ""),
        ("aarch64" | "arm64", "" | "8" | "v8") => ("arm64", ""),
        ("armhf", "") | ("arm", "" | "7" | "v7") => ("arm", ""),
        ("armel", "") | ("arm", "6") => ("arm", "v6"),
        ("i386" | "i686", "") => ("386", ""),
        other => other,
    };
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_' || c == '-';
    let fine = SYSTEMS.contains(&system)
        && MACHINES.contains(&machine)
        && variant.chars().all(letter)
        && !rest.ends_with('/');
    fine.then(|| match variant {
        "" => format!("{system}/{machine}"),
        _ => format!("{system}/{machine}/{variant}"),
    })
}

/// `linux/amd64`, `linux/arm64/v8`, `arm64`.
pub(in crate::config) fn platform(text: &str) -> Rule {
    rule(
        normal(text).is_some(),
        "a system and a machine, such as `linux/amd64` or `linux/arm64`",
    )
}

/// Whether it is that of the engine, as that calls it.
pub(in crate::config) fn is_platform(text: &str, engine: &str) -> bool {
    let (Some(named), Some(own)) = (normal(text), normal(engine)) else {
        return false;
    };
    named == own
        || own
            .split_once('/')
            .is_some_and(|(system, _)| system == named)
}

const CAPABILITIES: &[&str] = &[
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

/// `NET_ADMIN`, `CAP_NET_ADMIN`, `ALL`.
pub(in crate::config) fn capability(text: &str) -> Rule {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    if CAPABILITIES.contains(&name) {
        return Ok(());
    }
    Err(
        match crate::diag::did_you_mean(name, CAPABILITIES.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "a capability of Linux, such as `NET_ADMIN`".to_owned(),
        },
    )
}

/// Only what a container has for itself can be set for it.
pub(in crate::config) fn sysctl(name: &str) -> Rule {
    const OWN: &[&str] = &[
        "kernel.domainname",
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.sem",
        "kernel.shm_rmid_forced",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
    ];
    let name = name.replace('/', ".");
    rule(
        OWN.contains(&name.as_str()) || name.starts_with("net.") || name.starts_with("fs.mqueue."),
        "of a container's own are `net.…`, `fs.mqueue.…`, `kernel.msg…`, `kernel.sem` and `kernel.shm…`; \
         others are the host's",
    )
}

/// A host name with its address.
pub(in crate::config) fn host(name: &str, address: &str) -> Rule {
    let address = address.trim();
    rule(
        !name.is_empty()
            && !name.contains(char::is_whitespace)
            && (address == "host-gateway" || address.parse::<IpAddr>().is_ok()),
        "`NAME: ADDRESS`, the address in numbers, or `host-gateway`",
    )
}

/// A name server.
pub(in crate::config) fn address(text: &str) -> Rule {
    rule(
        text.parse::<IpAddr>().is_ok(),
        "addresses in numbers, such as `1.1.1.1`",
    )
}

/// The name that a container has for itself.
pub(in crate::config) fn hostname(text: &str) -> Rule {
    rule(
        (1..=64).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)),
        "at most 64 letters, digits, `.`, `-` and `_`",
    )
}

/// `USER[:GROUP]`, names or numbers.
pub(in crate::config) fn user(text: &str) -> Rule {
    let fine = |part: &str| {
        !part.contains(|c: char| c.is_whitespace() || c == ':')
            && match part.parse::<i128>() {
                Ok(number) => (0..=i128::from(i32::MAX)).contains(&number),
                Err(_) => !part.starts_with('-'),
            }
    };
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    rule(
        fine(user) && fine(group),
        "`USER` or `USER:GROUP`, names or numbers from 0 to 2147483647",
    )
}

/// A path in a container.
pub(in crate::config) fn absolute(text: &str) -> Rule {
    rule(
        text.starts_with('/') && !text.contains('\0'),
        "a path that starts with `/`",
    )
}

/// `HOST[:CONTAINER[:RIGHTS]]`.
pub(in crate::config) fn device(text: &str) -> Rule {
    let mut parts = text.splitn(3, ':');
    let path = |part: Option<&str>| part.is_none_or(|part| part.starts_with('/'));
    let fine = path(parts.next())
        && path(parts.next())
        && parts
            .next()
            .is_none_or(|rights| !rights.is_empty() && rights.chars().all(|c| "rwm".contains(c)));
    rule(
        fine,
        "`/dev/NAME`, or `/dev/HOST:/dev/CONTAINER:RIGHTS` with rights of `r`, `w`, `m`",
    )
}

/// What the engine takes as `security_opt`; it knows nothing of the caller's files.
pub(in crate::config) fn security(text: &str) -> Rule {
    let (key, value) = match text.split_once('=').or_else(|| text.split_once(':')) {
        Some((key, value)) => (key, Some(value)),
        None => (text, None),
    };
    match (key, value) {
        ("seccomp", Some(value)) => rule(
            value == "unconfined" || value == "builtin" || value.trim_start().starts_with('{'),
            "`seccomp=unconfined`, or the profile itself as JSON: no file is read here",
        ),
        ("no-new-privileges", None | Some("true" | "false"))
        | ("disable", None)
        | ("writable-cgroups", _)
        | ("label" | "apparmor", Some(_)) => Ok(()),
        _ => rule(
            false,
            "`no-new-privileges`, `apparmor=PROFILE`, `label=…`, `seccomp=unconfined`",
        ),
    }
}

/// The name of a limit of processes.
pub(in crate::config) fn ulimit(name: &str) -> Rule {
    const NAMES: &[&str] = &[
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ];
    rule(
        NAMES.contains(&name),
        &format!("the limits are {}", NAMES.join(", ")),
    )
}

/// Which processors: `0-3`, `0,2`.
pub(in crate::config) fn cpuset(text: &str) -> Rule {
    let number = |part: &str| part.parse::<u16>().ok();
    let part = |part: &str| match part.split_once('-') {
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(a, b)| a <= b),
        None => number(part).is_some(),
    };
    rule(
        text.split(',').all(part),
        "numbers of processors, such as `0-3` or `0,2`",
    )
}

/// Docker refuses less, in which nothing would start.
pub(in crate::config) fn memory(bytes: i64) -> Rule {
    rule(bytes >= 6 << 20, "at least 6M: Docker refuses less")
}

/// The kernel takes no less.
pub(in crate::config) fn processors(nanos: i64) -> Rule {
    rule(nanos >= 10_000_000, "at least 0.01 processors")
}

/// The options of the engine's own ways to log; what others take is theirs to say.
pub(in crate::config) fn log(log: &Log) -> Rule {
    const FILES: &[&str] = &["compress", "max-file", "max-size"];
    const NAMES: &[&str] = &["env", "env-regex", "labels", "labels-regex", "tag"];
    const ALL: &[&str] = &["max-buffer-size", "mode"];
    let known: &[&[&str]] = match log.driver.as_str() {
        "json-file" => &[FILES, NAMES, ALL],
        "local" => &[FILES, ALL],
        "journald" => &[NAMES, ALL],
        _ => return Ok(()),
    };
    let known = || known.iter().flat_map(|names| names.iter().copied());
    for name in log.options.keys() {
        // The engine keeps a second copy for drivers that cannot be read.
        if !name.starts_with("cache-") && !known().any(|known| known == name) {
            let known: Vec<_> = known().collect();
            return Err(format!(
                "`{}` does not know `{name}`; it knows {}",
                log.driver,
                known.join(", ")
            ));
        }
    }
    let said = |name: &str| log.options.get(name).map(String::as_str);
    let sized = |name: &str| match said(name) {
        Some(text) => rule(
            size::parse(text).is_some_and(|bytes| bytes > 0),
            &format!("`{name}` is a size, such as `10m`"),
        ),
        None => Ok(()),
    };
    sized("max-size")?;
    sized("max-buffer-size")?;
    let files = said("max-file").map(|text| text.trim().parse::<u32>().unwrap_or(0));
    rule(
        files != Some(0),
        "`max-file` is a number of files, at least 1",
    )?;
    let compress = match said("compress") {
        None => log.driver == "local",
        Some("true" | "1" | "t" | "T" | "TRUE" | "True") => true,
        Some("false" | "0" | "f" | "F" | "FALSE" | "False") => false,
        Some(_) => return rule(false, "`compress` is `true` or `false`"),
    };
    // Each has its own defaults: `local` rotates anyway.
    let rotates = match log.driver.as_str() {
        "local" => files != Some(1),
        _ => files.is_some_and(|files| files > 1) && said("max-size").is_some(),
    };
    rule(
        !compress || rotates,
        "`compress` needs several files: `max-size` and a `max-file` of at least 2",
    )?;
    let mode = said("mode");
    rule(
        matches!(mode, None | Some("blocking" | "non-blocking")),
        "`mode` is `blocking` or `non-blocking`",
    )?;
    rule(
        said("max-buffer-size").is_none() || mode == Some("non-blocking"),
        "`max-buffer-size` needs `mode: non-blocking`",
    )
}

/// What does not go together, once everything about a container has been said. The option that it is about
/// comes with it.
pub(in crate::config) fn together(spec: &ContainerSpec) -> Vec<(&'static str, String, String)> {
    let mut wrong = Vec::new();
    let live = &spec.live;
    match (live.memory, live.memory_swap) {
        (None, Some(swap)) if swap > 0 => wrong.push((
            "memswap_limit",
            "`memswap_limit` needs `mem_limit`".to_owned(),
            "it is memory and swap together".to_owned(),
        )),
        (Some(memory), Some(swap)) if (0..memory).contains(&swap) => wrong.push((
            "memswap_limit",
            format!(
                "`memswap_limit` {} is less than `mem_limit` {}",
                size::show(swap),
                size::show(memory)
            ),
            "it is memory and swap together; as much as `mem_limit` is no swap".to_owned(),
        )),
        _ => {}
    }
    if let (Some(memory), Some(reserved)) = (live.memory, spec.memory_reservation)
        && reserved > memory
    {
        wrong.push((
            "mem_reservation",
            format!(
                "a reservation of {} is more than the limit of {}",
                size::show(reserved),
                size::show(memory)
            ),
            "a reservation is what the container keeps where memory is short".to_owned(),
        ));
    }
    if spec.uts.is_some() && spec.hostname.is_some() {
        wrong.push((
            "hostname",
            "`hostname` beside `uts: host`".to_owned(),
            "the container has the host's name there".to_owned(),
        ));
    }
    if spec.network_mode == NetworkMode::Host
        && let Some(name) = spec.sysctls.keys().find(|name| name.starts_with("net"))
    {
        wrong.push((
            "sysctls",
            format!("`{name}` cannot be set beside `network_mode: host`"),
            "the container has no network of its own there: set it on the host".to_owned(),
        ));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these are refused.
    fn refused<'a>(rule: fn(&str) -> Rule, texts: &[&'a str]) -> Vec<&'a str> {
        let wrong = texts.iter().filter(|text| rule(text).is_err());
        wrong.copied().collect()
    }

    #[test]
    fn signals_are_names_and_numbers() {
        let fine = [
            "SIGTERM",
            "term",
            "SigQuit",
            "64",
            "1",
            "RTMIN",
            "SIGRTMIN+15",
            "RTMAX-14",
        ];
        assert_eq!(refused(signal, &fine), [""; 0]);
        let wrong = [
            "99", "0", "-1", "65", " 15", "", "SIG", "INFO", "RTMIN+16", "RTMAX-0", "TERM ",
        ];
        assert_eq!(refused(signal, &wrong), wrong);
    }

    #[test]
    fn names_of_the_system_are_known() {
        let fine = ["NET_ADMIN", "cap_sys_ptrace", "all"];
        assert_eq!(refused(capability, &fine), [""; 0]);
        assert_eq!(
            refused(capability, &["NET", "CAP_", ""]),
            ["NET", "CAP_", ""]
        );
        let fine = ["net.core.somaxconn", "net/ipv4/ip_forward", "kernel.shmmax"];
        assert_eq!(refused(sysctl, &fine), [""; 0]);
        let wrong = ["vm.max_map_count", "kernel.pid_max", "foo"];
        assert_eq!(refused(sysctl, &wrong), wrong);
    }

    #[test]
    fn addresses_and_users() {
        assert_eq!(refused(address, &["::1", "1.1.1.1", "one"]), ["one"]);
        assert!(host("a", "host-gateway").is_ok() && host("a", "::1").is_ok());
        for (name, address) in [
            ("", "1.1.1.1"),
            ("a b", "1.1.1.1"),
            ("a", "[::1]"),
            ("a", "b"),
        ] {
            assert!(host(name, address).is_err(), "{name} {address}");
        }
        let long = "a".repeat(65);
        let names = ["a.b_c-1", "a b", "a/b", "", &long];
        assert_eq!(refused(hostname, &names), ["a b", "a/b", "", &long]);
        let fine = ["www-data", "1000:1000", "0", ":0", "a:b"];
        assert_eq!(refused(user, &fine), [""; 0]);
        let wrong = ["a b", "-1", "99999999999", "1:2:3", "1:4294967295"];
        assert_eq!(refused(user, &wrong), wrong);
    }

    #[test]
    fn devices_and_security() {
        let fine = ["/dev/kvm", "/dev/a:/dev/b", "/dev/a:/dev/b:r"];
        assert_eq!(refused(device, &fine), [""; 0]);
        let wrong = ["kvm", "/dev/a:b", "/dev/a:/dev/b:x", "/dev/a:/dev/b:", ""];
        assert_eq!(refused(device, &wrong), wrong);
        let fine = [
            "no-new-privileges",
            "no-new-privileges:true",
            "label=disable",
            "label:user:a",
            "apparmor=unconfined",
            "seccomp=unconfined",
            "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
        ];
        assert_eq!(refused(security, &fine), [""; 0]);
        let wrong = [
            "foo",
            "foo=bar",
            "no-new-privileges=x",
            "seccomp=/etc/a.json",
            "apparmor",
        ];
        assert_eq!(refused(security, &wrong), wrong);
    }

    #[test]
    fn platforms_by_all_their_names() {
        let (intel, arm) = ("linux/amd64", "linux/arm64");
        for (named, is) in [
            ("linux/amd64", intel),
            ("Linux/x86_64", intel),
            ("amd64", intel),
            ("linux/amd64/v1", intel),
            ("linux/arm64", arm),
            ("linux/arm64/v8", arm),
            ("aarch64", arm),
            ("linux/arm/v7", "linux/arm"),
            ("armhf", "linux/arm"),
        ] {
            assert!(is_platform(named, is), "{named}");
            for other in [intel, arm, "linux/arm", ""] {
                assert_eq!(is_platform(named, other), other == is, "{named} {other}");
            }
        }
        assert!(is_platform("linux", intel) && is_platform("linux", arm));
        assert!(!is_platform("windows", intel) && !is_platform("linux/amd64/v3", intel));
        assert!(!is_platform("linux/arm/v6", "linux/arm"));
        for wrong in [
            "",
            "/",
            "linux/",
            "amd46",
            "linux/amd64/",
            "linux/amd64/v1/x",
            "beos/386",
        ] {
            assert!(platform(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_of_logs() {
        let check = |driver: &str, options: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            log(&Log {
                driver: driver.to_owned(),
                options: options.iter().map(own).collect(),
            })
        };
        let files = [("max-size", "10m"), ("max-file", "3"), ("compress", "true")];
        assert_eq!(check("json-file", &files), Ok(()));
        assert_eq!(check("local", &[]), Ok(()));
        assert_eq!(check("loki", &[("anything", "x")]), Ok(()));
        let buffer = [("mode", "non-blocking"), ("max-buffer-size", "4m")];
        assert_eq!(check("json-file", &buffer), Ok(()));
        let wrong: &[(&str, &[(&str, &str)])] = &[
            ("json-file", &[("foo", "1")]),
            ("local", &[("labels", "a")]),
            ("journald", &[("max-size", "1m")]),
            ("json-file", &[("max-size", "abc")]),
            ("json-file", &[("max-size", "0")]),
            ("json-file", &[("max-size", "1m"), ("max-file", "0")]),
            ("json-file", &[("compress", "true"), ("max-size", "1m")]),
            ("json-file", &[("compress", "x")]),
            ("local", &[("max-file", "1")]),
            ("json-file", &[("mode", "x")]),
            ("json-file", &[("max-buffer-size", "1m")]),
        ];
        for (driver, options) in wrong {
            assert!(check(driver, options).is_err(), "{driver} {options:?}");
        }
    }
}
