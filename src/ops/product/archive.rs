//! Archives: `.tar`, `.tar.gz`, `.zip`, from strangers. Nothing of one is written anywhere: its files become a
//! [`Tree`], which lets no path out and has bounds.

use super::error::FetchError;
use crate::base::digest::hex;
use crate::template::{Entry, MOST_BYTES, MOST_FILES, Tree};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tar,
    TarGz,
    Zip,
}

/// How large an archive may be.
pub(super) const LARGEST: u64 = MOST_BYTES as u64;

/// What heads and paddings of a tar archive may have besides its files.
const OVERHEAD: u64 = 64 << 20;

/// What a path's end tells; none where it is no archive's.
pub(super) fn kind(path: &str) -> Result<Option<Kind>, FetchError> {
    let path = path.to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
    if ends(&[
        ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".7z", ".rar",
    ]) {
        return Err(FetchError::own(
            "coasti does not unpack this kind of archive; it knows .tar, .tar.gz, .tgz and .zip"
                .to_owned(),
        ));
    }
    Ok(if ends(&[".tar.gz", ".tgz"]) {
        Some(Kind::TarGz)
    } else if ends(&[".tar"]) {
        Some(Kind::Tar)
    } else if ends(&[".zip"]) {
        Some(Kind::Zip)
    } else {
        None
    })
}

/// An archive's files, and its digest, which names this very archive.
pub(super) fn unpack(mut file: File, kind: Kind) -> Result<(Tree, String), String> {
    let wrong = |error: io::Error| format!("the archive cannot be read: {error}");
    let about = file.metadata().map_err(wrong)?;
    if !about.is_file() {
        return Err("it is no file".to_owned());
    }
    if about.len() > LARGEST {
        return Err(format!("the archive is larger than {} MB", LARGEST >> 20));
    }
    let mut digest = Sha256::new();
    let mut block = vec![0; 64 << 10];
    loop {
        match file.read(&mut block).map_err(wrong)? {
            0 => break,
            count => digest.update(block.get(..count).unwrap_or_default()),
        }
    }
    file.seek(SeekFrom::Start(0)).map_err(wrong)?;
    let mut tree = Tree::default();
    let bound = LARGEST + OVERHEAD;
    match kind {
        Kind::Tar => tar(file.take(bound), &mut tree)?,
        Kind::TarGz => tar(
            flate2::read::MultiGzDecoder::new(file).take(bound),
            &mut tree,
        )?,
        Kind::Zip => zip(file, &mut tree)?,
    }
    if tree.is_empty() {
        return Err("there are no files in the archive".to_owned());
    }
    Ok((
        without_top(tree)?,
        format!("sha256-{}", hex(&digest.finalize())),
    ))
}

/// A file's content; no more is read than the tree can take.
fn content(reader: impl Read, tree: &Tree, path: &str) -> Result<Vec<u8>, String> {
    let room = MOST_BYTES.saturating_sub(tree.bytes());
    let mut bytes = Vec::new();
    reader
        .take(room as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("`{}` cannot be unpacked: {error}", path.escape_debug()))?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a file's name is not UTF-8".to_owned())
}

/// Without the `./` that many archives start their names with.
fn plain(path: &str) -> &str {
    let mut path = path;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    path
}

fn odd(path: &str) -> String {
    format!(
        "`{}` is neither a file nor a folder nor a link",
        path.escape_debug()
    )
}

fn tar(reader: impl Read, tree: &mut Tree) -> Result<(), String> {
    let wrong = |error: io::Error| format!("the archive cannot be unpacked: {error}");
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = entry.path_bytes().into_owned();
        let path = plain(text(&path)?).to_owned();
        let executable = entry.header().mode().unwrap_or(0) & 0o100 != 0;
        let target = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
        let target = target.as_deref().map(text).transpose()?;
        let kind = entry.header().entry_type();
        let new = match kind {
            tar::EntryType::Directory | tar::EntryType::XGlobalHeader => continue,
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                Entry::File {
                    bytes: content(&mut entry, tree, &path)?,
                    executable,
                }
            }
            tar::EntryType::Symlink => Entry::Link(target.unwrap_or_default().to_owned()),
            // The same file once more: one that the archive itself has.
            tar::EntryType::Link => {
                let target = plain(target.unwrap_or_default());
                match tree.get(target) {
                    Some(same @ Entry::File { .. }) => same.clone(),
                    _ => {
                        return Err(format!(
                            "`{}` is the same file as `{}`, which is not in the archive",
                            path.escape_debug(),
                            target.escape_debug()
                        ));
                    }
                }
            }
            _ => return Err(odd(&path)),
        };
        tree.add(&path, new)?;
    }
    Ok(())
}

fn zip(mut file: File, tree: &mut Tree) -> Result<(), String> {
    let wrong = |error: zip::result::ZipError| format!("the archive cannot be unpacked: {error}");
    // Each entry costs memory before the first is looked at.
    if entries(&mut file).map_err(|error| wrong(error.into()))? > MOST_FILES {
        return Err(format!("there are more than {MOST_FILES} files"));
    }
    let mut archive = zip::ZipArchive::new(file).map_err(wrong)?;
    for number in 0..archive.len() {
        let raw = archive.by_index_raw(number).map_err(wrong)?;
        let path = plain(text(raw.name_raw())?).to_owned();
        if raw.encrypted() {
            return Err(format!("`{}` is encrypted", path.escape_debug()));
        }
        drop(raw);
        let entry = archive.by_index(number).map_err(wrong)?;
        if entry.is_dir() {
            continue;
        }
        let mode = entry.unix_mode().unwrap_or(0o100_644);
        let kind = mode & 0o170_000;
        let bytes = content(entry, tree, &path)?;
        let new = match kind {
            0o120_000 => Entry::Link(text(&bytes)?.to_owned()),
            0 | 0o100_000 => Entry::File {
                bytes,
                executable: mode & 0o100 != 0,
            },
            _ => return Err(odd(&path)),
        };
        tree.add(&path, new)?;
    }
    Ok(())
}

/// How many entries the end of a zip archive tells of.
fn entries(file: &mut File) -> io::Result<usize> {
    const END: u64 = 22 + 65_535;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    file.seek(SeekFrom::Start(0))?;
    let mut most = 0;
    for (at, mark) in end.windows(4).enumerate() {
        if mark == b"PK\x05\x06"
            && let Some(&[low, high]) = end.get(at + 10..at + 12)
        {
            most = most.max(usize::from(u16::from_le_bytes([low, high])));
        }
    }
    Ok(most)
}

/// Names of a product's own folders: one that is alone at the top is no wrapping.
const OWN: [&str; 3] = ["config", "data", "logs"];

/// Without the one folder that all is in, as archives of releases have it.
fn without_top(tree: Tree) -> Result<Tree, String> {
    let tops = |path: &str| path.split_once('/').map(|(top, _)| top.to_owned());
    let first = tree.iter().next().and_then(|(path, _)| tops(path));
    let Some(top) = first.filter(|top| !OWN.contains(&top.as_str())) else {
        return Ok(tree);
    };
    if !tree
        .iter()
        .all(|(path, _)| tops(path).as_ref() == Some(&top))
    {
        return Ok(tree);
    }
    let mut inner = Tree::default();
    for (path, entry) in tree.iter() {
        let path = path.get(top.len() + 1..).unwrap_or_default();
        inner.add(path, entry.clone())?;
    }
    Ok(inner)
}

/// Unpacks an archive of that name: a fuzz target.
#[cfg(fuzzing)]
pub fn fuzz_archive(name: &str, bytes: &[u8]) {
    use std::io::Write as _;
    let file = rustix::fs::memfd_create("archive", rustix::fs::MemfdFlags::empty());
    if let (Ok(Some(kind)), Ok(file)) = (kind(name), file) {
        let mut file = File::from(file);
        let written = file
            .write_all(bytes)
            .and_then(|()| file.seek(SeekFrom::Start(0)));
        assert!(written.is_ok());
        let _ = unpack(file, kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// A tar archive whose entries have names and links that the library would refuse to write.
    fn tar_of(entries: &[(&str, tar::EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (path, kind, link, content) in entries {
            let mut header = tar::Header::new_gnu();
            let raw = header.as_old_mut();
            raw.name[..path.len()].copy_from_slice(path.as_bytes());
            raw.linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(if path.ends_with(".sh") { 0o755 } else { 0o644 });
            header.set_size(content.len() as u64);
            header.set_cksum();
            bytes.extend(header.as_bytes());
            bytes.extend(*content);
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }

    fn unpacked(bytes: &[u8], kind: Kind) -> Result<(Tree, String), String> {
        let home = crate::ops::temporary::Temporary::new().unwrap();
        let path = home.path().join("archive");
        std::fs::write(&path, bytes).unwrap();
        unpack(File::open(&path).unwrap(), kind)
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    type Packed<'a> = (&'a str, u32, &'a [u8]);

    fn zip_of(entries: &[Packed<'_>]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (path, mode, content) in entries {
            let options = zip::write::SimpleFileOptions::default().unix_permissions(mode & 0o777);
            if mode & 0o170_000 == 0o120_000 {
                let target = std::str::from_utf8(content).unwrap();
                zip.add_symlink(*path, target, options).unwrap();
            } else if path.ends_with('/') {
                zip.add_directory(*path, options).unwrap();
            } else {
                zip.start_file(*path, options).unwrap();
                zip.write_all(content).unwrap();
            }
        }
        zip.finish().unwrap().into_inner()
    }

    fn names(tree: &Tree) -> Vec<&str> {
        tree.iter().map(|(path, _)| path).collect()
    }

    const FILE: tar::EntryType = tar::EntryType::Regular;

    #[test]
    fn all_kinds_give_the_same_files() {
        let tar = tar_of(&[
            ("./shop-1.0/", tar::EntryType::Directory, "", b""),
            ("./shop-1.0/copier.yml", FILE, "", b"a: 1\n"),
            ("./shop-1.0/t/run.sh", FILE, "", b"#!/bin/sh\n"),
            ("shop-1.0/t/link", tar::EntryType::Symlink, "run.sh", b""),
            (
                "shop-1.0/t/same",
                tar::EntryType::Link,
                "./shop-1.0/copier.yml",
                b"",
            ),
        ]);
        let zip = zip_of(&[
            ("shop-1.0/", 0o755, b""),
            ("shop-1.0/copier.yml", 0o644, b"a: 1\n"),
            ("shop-1.0/t/run.sh", 0o755, b"#!/bin/sh\n"),
            ("shop-1.0/t/link", 0o120_777, b"run.sh"),
            ("shop-1.0/t/same", 0o644, b"a: 1\n"),
        ]);
        let (plain, digest) = unpacked(&tar, Kind::Tar).unwrap();
        assert_eq!(
            names(&plain),
            ["copier.yml", "t/link", "t/run.sh", "t/same"]
        );
        assert_eq!(
            plain.get("t/run.sh"),
            Some(&Entry::File {
                bytes: b"#!/bin/sh\n".to_vec(),
                executable: true
            })
        );
        assert_eq!(plain.get("t/link"), Some(&Entry::Link("run.sh".to_owned())));
        assert_eq!(unpacked(&gz(&tar), Kind::TarGz).unwrap().0, plain);
        assert_eq!(unpacked(&zip, Kind::Zip).unwrap().0, plain);
        assert_eq!(digest, format!("sha256-{}", hex(&Sha256::digest(&tar))));
        // A folder is the wrapping only where it is alone, and no part of a product.
        let two = tar_of(&[("a/x", FILE, "", b""), ("b", FILE, "", b"")]);
        assert_eq!(names(&unpacked(&two, Kind::Tar).unwrap().0), ["a/x", "b"]);
        let own = tar_of(&[("config/x", FILE, "", b"")]);
        assert_eq!(names(&unpacked(&own, Kind::Tar).unwrap().0), ["config/x"]);
    }

    #[test]
    fn nothing_of_an_archive_leads_out() {
        use tar::EntryType as E;
        for (entry, why) in [
            (("../x", FILE, "", &b""[..]), "`.` or `..`"),
            (("a/../../x", FILE, "", b""), "`.` or `..`"),
            (("/etc/x", FILE, "", b""), "absolute"),
            ((".git/hooks/x", FILE, "", b""), "`.git` folder"),
            (("a\\b", FILE, "", b""), "backslash"),
            (("dev", E::Char, "", b""), "neither a file"),
            (("dev", E::Block, "", b""), "neither a file"),
            (("pipe", E::Fifo, "", b""), "neither a file"),
            (("same", E::Link, "/etc/passwd", b""), "not in the archive"),
            (("same", E::Link, "../x", b""), "not in the archive"),
        ] {
            let error = unpacked(&tar_of(&[entry]), Kind::Tar).unwrap_err();
            assert!(error.contains(why), "{}: {error}", entry.0);
        }
        // A link, then a file behind it: the link never becomes a folder.
        let behind = tar_of(&[("a", E::Symlink, "/etc", b""), ("a/x", FILE, "", b"")]);
        assert!(
            unpacked(&behind, Kind::Tar)
                .unwrap_err()
                .contains("`a` is a file")
        );
        let twice = tar_of(&[("a", FILE, "", b"1"), ("a", FILE, "", b"2")]);
        assert!(unpacked(&twice, Kind::Tar).unwrap_err().contains("twice"));
        for path in ["../x", "/etc/x", "a/../../x", "a\\b", ".git/config"] {
            let error = unpacked(&zip_of(&[(path, 0o644, b"")]), Kind::Zip);
            assert!(error.is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_broken_or_blown_up_is_refused_soon() {
        for kind in [Kind::Tar, Kind::TarGz, Kind::Zip] {
            for bytes in [&b""[..], b"junk", &[0; 2048], &vec![b'x'; 5000]] {
                assert!(unpacked(bytes, kind).is_err(), "{kind:?} {}", bytes.len());
            }
        }
        let cut = gz(&tar_of(&[("a", FILE, "", &vec![b'x'; 100_000])]));
        assert!(unpacked(&cut[..cut.len() - 20], Kind::TarGz).is_err());
        // One file of 300 MB of nothing, in a few hundred KB.
        let mut header = tar::Header::new_gnu();
        header.set_path("a").unwrap();
        header.set_size(300 << 20);
        header.set_mode(0o644);
        header.set_cksum();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(header.as_bytes()).unwrap();
        for _ in 0..300 {
            packed.write_all(&vec![0; 1 << 20]).unwrap();
        }
        packed.write_all(&[0; 1024]).unwrap();
        let bomb = packed.finish().unwrap();
        assert!(bomb.len() < 4 << 20);
        let error = unpacked(&bomb, Kind::TarGz).unwrap_err();
        assert!(error.contains("more than 256 MB"), "{error}");
        // More entries than any product has.
        let mut many = zip_of(&[("a", 0o644, b"")]);
        let end = many.len() - 22;
        many[end + 10] = 0xff;
        many[end + 11] = 0xff;
        let error = unpacked(&many, Kind::Zip).unwrap_err();
        assert!(error.contains("more than 50000 files"), "{error}");
    }

    #[test]
    fn the_kind_is_told_by_the_end_of_the_name() {
        assert_eq!(kind("a/b-1.0.TAR.GZ"), Ok(Some(Kind::TarGz)));
        assert_eq!(kind("b.tgz"), Ok(Some(Kind::TarGz)));
        assert_eq!(kind("b.tar"), Ok(Some(Kind::Tar)));
        assert_eq!(kind("b.zip"), Ok(Some(Kind::Zip)));
        assert_eq!(kind("b.git"), Ok(None));
        assert!(kind("b.tar.xz").is_err());
    }
}
