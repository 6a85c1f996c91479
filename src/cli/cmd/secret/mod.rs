//! `coasti secret`: secrets of the folder by their names, generated values by their addresses.

mod editor;
mod kept;
mod rotate;

use super::ask::{Terminal, stopped};
use super::session::Shell;
use crate::base::{Secret, ValueId};
use crate::cli::args::{Form, Format, Random, SecretCommand};
use crate::cli::render;
use crate::config::Shape;
use crate::diag::Diagnostics;
use crate::ops::OpError;
use crate::ops::folder::Disk;
use crate::ops::secrets::effect::{self, Effect};
use crate::ops::secrets::files::{self, Put};
use crate::ops::secrets::list;
use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

pub(super) async fn run(shell: &Shell, command: SecretCommand) -> Result<ExitCode, OpError> {
    match command {
        SecretCommand::List { format } => return list(shell, format).await,
        SecretCommand::Get { name, applied } => get(shell, &name, applied).await?,
        SecretCommand::Set { name, form } => set(shell, &name, form).await?,
        SecretCommand::Edit { name, form } => edit(shell, &name, form).await?,
        SecretCommand::Generate { name, random, form } => generate(shell, &name, random, form)?,
        SecretCommand::Rotate { name, random } => rotate::rotate(shell, &name, random).await?,
        SecretCommand::Rekey { without_me } => rekey(shell, without_me)?,
        SecretCommand::Keygen => keygen(shell)?,
        SecretCommand::Export => kept::export(shell).await?,
        SecretCommand::Import => kept::import(shell).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a name is a generated value's.
fn is_address(name: &str) -> bool {
    name.contains(['/', ':'])
}

async fn list(shell: &Shell, format: Format) -> Result<ExitCode, OpError> {
    let for_program = shell.is_json(format);
    let disk = shell.folder()?;
    let made = made(shell).await;
    let environment = shell.global.environment.as_deref();
    let listing = list::list(&disk, environment, made.as_ref().ok())?;
    if for_program {
        shell.print(&render::secret::json(&listing));
        return Ok(ExitCode::SUCCESS);
    }
    let text = render::secret::human(&listing, &shell.data_style());
    shell.out.data(&text);
    if !listing.complete {
        shell.explain("note: the files have errors (coasti validate): they may ask for more");
    }
    if let (Err(why), false) = (&made, listing.generated.is_empty()) {
        shell.explain(&format!("note: which values were made is not known: {why}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The generated values that the engine has.
async fn made(shell: &Shell) -> Result<BTreeSet<ValueId>, OpError> {
    let (name, id) = shell.stack()?;
    let Some(id) = id else {
        return Ok(BTreeSet::new());
    };
    let engine = shell.engine().await?;
    let kept = crate::ops::secrets::all(&engine, &name, &id).await?;
    Ok(kept.values.into_keys().collect())
}

async fn get(shell: &Shell, name: &str, applied: bool) -> Result<(), OpError> {
    if is_address(name) {
        return kept::get(shell, name).await;
    }
    if applied {
        files::named(name)?;
        return kept::applied(shell, name).await;
    }
    let disk = shell.folder()?;
    match files::get(&disk, name)? {
        Some(value) => {
            print(shell, &value);
            Ok(())
        }
        None => Err(missing(&disk, name)),
    }
}

/// A value to the last byte, on a terminal with the line break that it may lack.
fn print(shell: &Shell, value: &Secret<String>) {
    let text = value.expose();
    shell.out.data(text);
    if std::io::stdout().is_terminal() && !text.ends_with('\n') {
        shell.out.data("\n");
    }
}

fn missing(disk: &Disk, name: &str) -> OpError {
    let all = files::all(disk).unwrap_or_default();
    let near = crate::diag::did_you_mean(name, all.keys().map(String::as_str));
    let mut help: Vec<String> = near
        .map(|near| format!("did you mean `{near}`?"))
        .into_iter()
        .collect();
    help.push(format!(
        "coasti secret set {name}, or coasti secret generate {name}"
    ));
    help.push("generated values have addresses (LABEL/VAR); coasti secret list shows both".into());
    let what = format!("there is no secret `{name}` in config/secrets");
    OpError::Usage { what, help }
}

async fn set(shell: &Shell, name: &str, form: Form) -> Result<(), OpError> {
    if is_address(name) {
        if form.encrypt || form.plain {
            let what = format!("`{name}` is a generated value, which the engine keeps");
            return Err(OpError::usage(what, &["leave --encrypt and --plain out"]));
        }
        return kept::set(shell, name).await;
    }
    files::named(name)?;
    let (disk, _writing) = shell.writing()?;
    let value = input(shell, name)?;
    written(shell, &disk, name, &value, form)
}

/// A value from the terminal, unseen, or from standard input.
fn input(shell: &Shell, name: &str) -> Result<Secret<String>, OpError> {
    if std::io::stdin().is_terminal() {
        if !shell.out.can_ask() {
            let what = "there is nothing on standard input, and no terminal to ask on";
            return Err(OpError::usage(
                what,
                &[&format!("coasti secret set {name} < FILE")],
            ));
        }
        let asked = Terminal::new(shell).password(&format!("{name}:"));
        return asked.map(Secret::new).map_err(stopped);
    }
    let mut bytes = Vec::new();
    let mut limited = std::io::stdin().take(16 << 20);
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| OpError::usage(format!("standard input cannot be read: {error}"), &[]))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| OpError::usage("what standard input has is not UTF-8", &[]))?;
    Ok(Secret::new(text))
}

fn form(form: Form) -> Option<files::Form> {
    match (form.encrypt, form.plain) {
        (true, _) => Some(files::Form::Encrypted),
        (false, true) => Some(files::Form::Plain),
        (false, false) => None,
    }
}

/// Writes a secret, and says what comes of it.
fn written(
    shell: &Shell,
    disk: &Disk,
    name: &str,
    value: &Secret<String>,
    as_form: Form,
) -> Result<(), OpError> {
    let put = files::put(disk, name, value, form(as_form))?;
    told(shell, &put);
    let environment = shell.global.environment.as_deref();
    let desired = shell_read(disk, environment);
    match desired {
        Some(desired) => tell(shell, &Effect::of_files(&desired, &effect::ids(name))),
        None => shell
            .explain("The files have errors (coasti validate): who is given it cannot be told."),
    }
    Ok(())
}

fn shell_read(disk: &Disk, environment: Option<&str>) -> Option<crate::config::Desired> {
    crate::config::read_for(disk, environment, &mut Diagnostics::new())
}

fn told(shell: &Shell, put: &Put) {
    shell.out.say(&format!("wrote {}", put.path));
    for note in &put.notes {
        shell.explain(&format!("note: {note}"));
    }
}

/// Who is given a value, and what the next apply does.
fn tell(shell: &Shell, effect: &Effect) {
    if effect.uses.is_empty() {
        shell.explain("Nothing in the files asks for it.");
        return;
    }
    let names = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(", ");
    if effect.known {
        let (replaced, created) = (names(&effect.replaced), names(&effect.created));
        match (replaced.is_empty(), created.is_empty()) {
            (false, true) => shell.explain(&format!("The next apply replaces {replaced}:")),
            (true, false) => shell.explain(&format!("The next apply makes {created} with it:")),
            (false, false) => shell.explain(&format!(
                "The next apply replaces {replaced}, and makes {created} with it:"
            )),
            (true, true) => shell.explain("The next apply changes nothing for it:"),
        }
    } else {
        shell.explain("The next apply gives it to");
    }
    for one in &effect.uses {
        let at = one
            .origin
            .as_ref()
            .map(|at| format!("  ({at})"))
            .unwrap_or_default();
        shell
            .out
            .say(&format!("  {}  {}{at}", one.container, one.by));
    }
    if effect.more {
        shell.explain("It does more than that: coasti plan");
    }
    for one in effect.uses.iter().filter(|_| !effect.known) {
        if let Some((variable, data)) = &one.once {
            shell.explain(&format!(
                "note: {} reads {variable} only when it initialises `{data}`. Where that is done, a plan with \
                 another value is refused (P0302).",
                one.container
            ));
        }
    }
}

async fn edit(shell: &Shell, name: &str, form: Form) -> Result<(), OpError> {
    if is_address(name) {
        let what = format!("`{name}` is a generated value, which no file has");
        return Err(OpError::usage(
            what,
            &[&format!("coasti secret set {name}")],
        ));
    }
    files::named(name)?;
    let (disk, _writing) = shell.writing()?;
    let before = files::get(&disk, name)?;
    let Some(value) = editor::edit(shell, name, before.as_ref()).await? else {
        shell.out.say("nothing was changed");
        return Ok(());
    };
    written(shell, &disk, name, &value, form)
}

fn shape(random: Random) -> Option<Shape> {
    let length = random.length.map(usize::from);
    match (random.base64, random.hex, length) {
        (Some(bytes), ..) => Some(Shape::Base64(bytes.into())),
        (None, true, length) => Some(Shape::Hex(length.unwrap_or(64))),
        (None, false, Some(length)) => Some(Shape::Letters(length)),
        (None, false, None) => None,
    }
}

/// A new value. What can be guessed is said.
fn made_of(shell: &Shell, shape: &Shape) -> Result<Secret<String>, OpError> {
    let mut ok = true;
    let value = shape.make(&mut |bytes| ok &= getrandom::fill(bytes).is_ok());
    if !ok {
        // Never a guessable secret.
        return Err(OpError::usage("the system gives no randomness", &[]));
    }
    if shape.is_weak() {
        let text = "warning: so short a value can be guessed; --length N makes a longer one";
        shell.out.tell(&shell.style().wrap(0, text));
    }
    Ok(Secret::new(value))
}

fn generate(shell: &Shell, name: &str, random: Random, form: Form) -> Result<(), OpError> {
    files::named(name)?;
    let (disk, _writing) = shell.writing()?;
    if files::all(&disk)?.contains_key(name) {
        let what = format!("there is a secret `{name}` already");
        return Err(OpError::usage(
            what,
            &[&format!("coasti secret rotate {name}")],
        ));
    }
    let shape = shape(random).unwrap_or(Shape::USUAL);
    let value = made_of(shell, &shape)?;
    shell.out.say(&format!("{name}: {}", shape.describe()));
    written(shell, &disk, name, &value, form)
}

fn rekey(shell: &Shell, without_me: bool) -> Result<(), OpError> {
    let (disk, _writing) = shell.writing()?;
    let done = files::rekey(&disk, without_me)?;
    let recipients = files::recipients(&disk)?;
    let count = recipients.map_or(0, |all| all.keys().len());
    let for_whom = format!("for {count} recipient{}", if count == 1 { "" } else { "s" });
    if done.is_empty() {
        shell.out.say("nothing is encrypted");
        return Ok(());
    }
    shell.explain(&format!("encrypted {for_whom}: {}", done.join(", ")));
    shell.explain(
        "Commit them. Their values are the same: who could open them before still knows them, and \
         `coasti secret rotate` changes one. Where others plan without an identity, apply once.",
    );
    Ok(())
}

fn keygen(shell: &Shell) -> Result<(), OpError> {
    let (disk, _writing) = shell.writing()?;
    let (made, listed) = files::keygen(&disk, &who())?;
    if let Some(path) = &made.file {
        shell.explain(&format!(
            "made your age identity, {}: keep a copy of it at a safe place. What is encrypted for it alone is lost \
             with it.",
            path.display()
        ));
    }
    for key in &made.recipients {
        shell.out.data(&format!("{key}\n"));
    }
    match listed {
        true => shell.explain(&format!(
            "put it into {}: commit that",
            crate::config::secrets::RECIPIENTS
        )),
        false => shell.out.say("it is listed already"),
    }
    for note in &made.notes {
        shell.explain(&format!("note: {note}"));
    }
    let locked = list::list(&disk, None, None)?;
    let locked = locked.secrets.iter().filter(|one| one.opens == Some(false));
    let names: Vec<_> = locked.map(|one| one.name.as_str()).collect();
    if !names.is_empty() {
        shell.explain(&format!(
            "Somebody who can open {} runs `coasti secret rekey`; until then you cannot.",
            names.join(", ")
        ));
    }
    Ok(())
}

fn who() -> String {
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}@{}", user.as_deref().unwrap_or("somebody"), host.trim())
}
