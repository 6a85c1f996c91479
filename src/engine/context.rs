//! A build's folder on this machine's disk: what of it is sent, and sending it as a tar archive.
//!
//! Nothing outside the folder is looked at: links are sent as links. An archive is made of what is there at
//! that moment; where that is no longer what was read before, it is cut off, and the engine builds nothing.

use crate::base::Digest;
use crate::build::{BadPattern, Context, Entry, IGNORE_FILE, Rules, SENT_BITS, Unsendable};
use crate::model::BuildSpec;
use rustix::fs::OFlags;
use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

/// How many files, folders and links a folder may have to be sent.
const MOST_FILES: usize = 100_000;

/// How many GB of them.
const MOST_GB: u64 = 4;

/// How much of a `.dockerignore` is read.
const LARGEST_RULES: u64 = 4 << 20;

/// How much of a file is read at once.
const CHUNK: usize = 128 * 1024;

/// What of the folder at `root` is sent by `rules`, each file read.
///
/// # Errors
/// The first thing that cannot be sent.
pub fn look(root: &Path, rules: &Rules) -> Result<Context, Unsendable> {
    let mut entries = BTreeMap::new();
    for (path, found) in walk(root, rules)? {
        let entry = match found {
            Found::Folder(about) => Entry::Folder { mode: bits(&about) },
            Found::Link(to) => Entry::Link { to },
            Found::File(_) => {
                let (mut file, about) = open(root, &path)?;
                let (size, digest) =
                    copy(&mut file, &mut io::sink()).map_err(|error| unreadable(&path, &error))?;
                let mode = bits(&about);
                Entry::File { mode, size, digest }
            }
        };
        entries.insert(path, entry);
    }
    Ok(Context(entries))
}

/// The rules of the folder at `root`: those of the Dockerfile, else of the folder.
///
/// # Errors
/// Where their file cannot be read or understood.
pub fn rules(root: &Path, dockerfile: &str) -> Result<Rules, Unsendable> {
    let own = format!("{dockerfile}{IGNORE_FILE}");
    let names = [own.as_str(), IGNORE_FILE];
    for name in names.iter().skip(usize::from(dockerfile.is_empty())) {
        let path = root.join(name);
        if !path.is_file() {
            continue;
        }
        let mut text = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(LARGEST_RULES).read_to_end(&mut text));
        read.map_err(|error| unreadable(name, &error))?;
        let text = String::from_utf8_lossy(&text);
        let text = text.trim_start_matches('\u{feff}');
        return Rules::new(text, &[dockerfile, IGNORE_FILE]).map_err(|bad| bad_pattern(name, &bad));
    }
    let rules = Rules::new("", &[dockerfile, IGNORE_FILE]);
    rules.map_err(|bad| bad_pattern(IGNORE_FILE, &bad))
}

fn bad_pattern(file: &str, bad: &BadPattern) -> Unsendable {
    Unsendable {
        path: file.to_owned(),
        why: format!("cannot be understood: `{}`", bad.pattern),
        ignorable: false,
    }
}

/// Something that is sent.
enum Found {
    File(Metadata),
    Folder(Metadata),
    Link(String),
}

fn unreadable(path: &str, error: &io::Error) -> Unsendable {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "is not there".to_owned(),
        io::ErrorKind::NotADirectory => "is not a folder".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Unsendable {
        path: path.to_owned(),
        why,
        ignorable: !path.is_empty(),
    }
}

fn unsendable(path: &str, why: &str) -> Unsendable {
    Unsendable {
        path: path.to_owned(),
        why: why.to_owned(),
        ignorable: true,
    }
}

fn bits(about: &Metadata) -> u32 {
    about.mode() & SENT_BITS
}

/// All that is sent, by path; what is too much is told before any of it is read.
fn walk(root: &Path, rules: &Rules) -> Result<BTreeMap<String, Found>, Unsendable> {
    let mut all = BTreeMap::new();
    let mut size = 0u64;
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let read =
            fs::read_dir(root.join(&folder)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for entry in read.map_err(|error| unreadable(&folder, &error))? {
            let name = entry.file_name();
            let text = name.to_string_lossy();
            let path = match folder.as_str() {
                "" => text.to_string(),
                folder => format!("{folder}/{text}"),
            };
            let sent = rules.sends(&path);
            let about = entry.metadata();
            let is_folder = about.as_ref().is_ok_and(Metadata::is_dir);
            if !sent {
                if is_folder && rules.may_send_below(&path) {
                    folders.push(path);
                }
                continue;
            }
            let about = about.map_err(|error| unreadable(&path, &error))?;
            if name.to_str().is_none() {
                return Err(unsendable(&path, "has a name that is not UTF-8"));
            }
            let found = if about.is_dir() {
                folders.push(path.clone());
                Found::Folder(about)
            } else if about.is_symlink() {
                let to = fs::read_link(entry.path()).map_err(|error| unreadable(&path, &error))?;
                let to = to.to_str().map(str::to_owned);
                Found::Link(to.ok_or_else(|| unsendable(&path, "is a link to what is not UTF-8"))?)
            } else if about.is_file() {
                size = size.saturating_add(about.len());
                Found::File(about)
            } else if about.file_type().is_socket() {
                // As Docker has it: a socket is of no use in an image, and left behind everywhere.
                continue;
            } else if about.file_type().is_fifo() {
                return Err(unsendable(&path, "is a named pipe, which cannot be sent"));
            } else {
                return Err(unsendable(&path, "is a device, which cannot be sent"));
            };
            all.insert(path, found);
            if all.len() > MOST_FILES {
                let why = format!("has more than {MOST_FILES} files");
                return Err(too_much(&all, why));
            }
            if size > MOST_GB << 30 {
                return Err(too_much(&all, format!("has more than {MOST_GB} GB")));
            }
        }
    }
    Ok(all)
}

/// What there is too much of, with where most of it is, as far as it was looked at.
fn too_much(all: &BTreeMap<String, Found>, why: String) -> Unsendable {
    let mut parts: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for (path, found) in all {
        let part = parts
            .entry(path.split('/').next().unwrap_or(path))
            .or_default();
        part.1 += 1;
        if let Found::File(about) = found {
            part.0 += about.len();
        }
    }
    let most = parts.into_iter().max_by_key(|(_, amount)| *amount);
    let most = most.map_or(String::new(), |(name, _)| {
        format!(", most of it in `{name}`")
    });
    Unsendable {
        path: String::new(),
        why: format!("{why}{most}"),
        ignorable: true,
    }
}

/// Opens a regular file without following a link, and without waiting for a pipe's other end.
fn open(root: &Path, path: &str) -> Result<(File, Metadata), Unsendable> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(root.join(path))
        .map_err(|error| unreadable(path, &error))?;
    let about = file.metadata().map_err(|error| unreadable(path, &error))?;
    match about.is_file() {
        true => Ok((file, about)),
        false => Err(unsendable(path, "is no file")),
    }
}

/// Copies to the end: how much it was, and its digest.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, Digest)> {
    let mut hasher = crate::base::digest::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let read = match from.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else {
            return Ok((size, hasher.finish()));
        };
        hasher.update(part);
        to.write_all(part)?;
        size += read as u64;
    }
}

/// Something that is written to piece by piece, and that can be told that what it got is not the whole.
pub(super) trait Sink: Write {
    /// Takes nothing more.
    fn break_off(&mut self);
}

/// The name of a Dockerfile in the archive that does not stand in the folder.
pub(super) fn inline_name(text: &str) -> String {
    format!(".dockerfile.{}", Digest::of(text.as_bytes()).short(20))
}

/// How many bytes of files there are to send.
pub(super) fn size(root: &Path, spec: &BuildSpec) -> Result<u64, Unsendable> {
    let all = walk(root, &rules(root, &spec.dockerfile)?)?;
    let files = all.values().filter_map(|found| match found {
        Found::File(about) => Some(about.len()),
        _ => None,
    });
    Ok(files.sum())
}

/// Writes the folder at `root` as an archive: entries by name, owned by nobody in particular.
///
/// # Errors
/// Where something cannot be read, or the folder is not what `spec` was made of: then the archive is not
/// ended.
pub(super) fn send(root: &Path, spec: &BuildSpec, out: impl Sink) -> Result<(), Unsendable> {
    let mut tar = tar::Builder::new(out);
    match fill(root, spec, &mut tar).and_then(|()| {
        let ended = tar.finish().and_then(|()| tar.get_mut().flush());
        ended.map_err(|error| unreadable("", &error))
    }) {
        Ok(()) => Ok(()),
        Err(why) => {
            tar.get_mut().break_off();
            Err(why)
        }
    }
}

fn fill(
    root: &Path,
    spec: &BuildSpec,
    tar: &mut tar::Builder<impl Sink>,
) -> Result<(), Unsendable> {
    let mut sent = BTreeMap::new();
    let mut rules_sent = false;
    for (path, found) in walk(root, &rules(root, &spec.dockerfile)?)? {
        let lost = |error: io::Error| unreadable(&path, &error);
        let entry = match found {
            Found::Folder(about) => {
                let mut header = header(tar::EntryType::Directory, bits(&about), about.mtime());
                tar.append_data(&mut header, format!("{path}/"), io::empty())
                    .map_err(lost)?;
                Entry::Folder { mode: bits(&about) }
            }
            Found::Link(to) => {
                let mut header = header(tar::EntryType::Symlink, 0o777, 0);
                link(tar, &mut header, &path, &to).map_err(lost)?;
                Entry::Link { to }
            }
            Found::File(_) => {
                let (mut file, about) = open(root, &path)?;
                let mode = bits(&about);
                let mut header = header(tar::EntryType::Regular, mode, about.mtime());
                let hidden = spec.inline.as_deref().filter(|_| path == IGNORE_FILE);
                let (size, digest) = match hidden {
                    Some(inline) => {
                        let mut text = Vec::new();
                        let read = copy(&mut file, &mut text).map_err(lost)?;
                        text.extend(format!("\n{}\n", inline_name(inline)).as_bytes());
                        append(tar, &mut header, &path, &text).map_err(lost)?;
                        rules_sent = true;
                        read
                    }
                    None => {
                        header.set_size(about.len());
                        let mut read = Watched::new(&mut file, about.len());
                        tar.append_data(&mut header, &path, &mut read)
                            .map_err(lost)?;
                        read.finish(&path)?
                    }
                };
                Entry::File { mode, size, digest }
            }
        };
        sent.insert(path, entry);
    }
    if let Some(inline) = &spec.inline {
        let name = inline_name(inline);
        let lost = |error: io::Error| unreadable(&name, &error);
        let plain = || header(tar::EntryType::Regular, 0o600, 0);
        if !rules_sent {
            // Neither of the two is part of what was asked for.
            let text = format!("{IGNORE_FILE}\n{name}\n");
            append(tar, &mut plain(), IGNORE_FILE, text.as_bytes()).map_err(lost)?;
        }
        append(tar, &mut plain(), &name, inline.as_bytes()).map_err(lost)?;
    }
    if Context(sent).digest() != spec.content {
        return Err(Unsendable {
            path: String::new(),
            why: "is no longer what it was when the files were read".to_owned(),
            ignorable: false,
        });
    }
    Ok(())
}

/// A link, to where it leads letter by letter: the library would tidy that up.
fn link(
    tar: &mut tar::Builder<impl Write>,
    header: &mut tar::Header,
    path: &str,
    to: &str,
) -> io::Result<()> {
    const ROOM: usize = 100;
    if let Some(start) = to.as_bytes().get(..ROOM) {
        // What does not fit stands before, in an entry of its own.
        let mut long = self::header(tar::EntryType::GNULongLink, 0o644, 0);
        long.set_path("././@LongLink")?;
        long.set_size(to.len() as u64 + 1);
        long.set_cksum();
        tar.append(&long, format!("{to}\0").as_bytes())?;
        header.set_link_name_literal(start)?;
    } else {
        header.set_link_name_literal(to)?;
    }
    tar.append_data(header, path, io::empty())
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    header: &mut tar::Header,
    path: &str,
    content: &[u8],
) -> io::Result<()> {
    header.set_size(content.len() as u64);
    tar.append_data(header, path, content)
}

fn header(kind: tar::EntryType, mode: u32, time: i64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(0);
    header.set_uid(0);
    header.set_gid(0);
    // Programs look at the time (`make`, caches of browsers); that it differs from machine to machine makes
    // no other image, as far as Docker's cache goes.
    header.set_mtime(u64::try_from(time).unwrap_or(0));
    header
}

/// A file that is read as long as it was when it was opened, its digest along the way.
struct Watched<'a> {
    file: &'a mut File,
    left: u64,
    size: u64,
    hasher: crate::base::digest::Hasher,
}

impl<'a> Watched<'a> {
    fn new(file: &'a mut File, size: u64) -> Self {
        Self {
            file,
            left: size,
            size,
            hasher: crate::base::digest::Hasher::new(),
        }
    }

    /// Its size and digest, where it had neither less nor more.
    fn finish(mut self, path: &str) -> Result<(u64, Digest), Unsendable> {
        let more = self.file.read(&mut [0]);
        match (self.left, more) {
            (0, Ok(0)) => Ok((self.size, std::mem::take(&mut self.hasher).finish())),
            (_, Err(error)) => Err(unreadable(path, &error)),
            _ => Err(unsendable(path, "is written to while it is read")),
        }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let room = buffer.get_mut(..most).unwrap_or_default();
        if room.is_empty() {
            return Ok(0);
        }
        let read = self.file.read(room)?;
        if read == 0 {
            return Err(io::Error::other("it became shorter while it was read"));
        }
        self.hasher.update(room.get(..read).unwrap_or_default());
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
