//! Where passphrases come from: a file descriptor, the systemd credential `ca-passphrase`, the terminal.
//!
//! Never from an argument or an environment variable, which others can read. Wiped after use.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use ca::keys::PassphraseError;
use ca::limits;
use zeroize::Zeroizing;

use super::Context;
use super::terminal::Terminal;

/// The passphrase of an existing key.
pub(crate) fn ask(context: &Context, key: &str) -> Result<Zeroizing<String>, PassphraseError> {
    match given(context) {
        Some(passphrase) => passphrase,
        None => terminal(key)?.ask(&format!("passphrase of {key}: ")).map_err(unread),
    }
}

/// A passphrase for new keys: asked for twice on a terminal.
pub(crate) fn choose(context: &Context, keys: &str) -> Result<Zeroizing<String>, PassphraseError> {
    let (place, passphrase) = match given(context) {
        Some(passphrase) => (place(context), passphrase?),
        None => {
            let mut terminal = terminal(keys)?;
            let first = terminal.ask(&format!("passphrase for {keys}: ")).map_err(unread)?;
            // Nobody types again what is refused anyway.
            expect_long(&first, "the terminal")?;
            if first != terminal.ask("the same again: ").map_err(unread)? {
                return Err(PassphraseError::Differ);
            }
            return Ok(first);
        }
    };
    expect_long(&passphrase, &place)?;
    Ok(passphrase)
}

fn expect_long(passphrase: &str, place: &str) -> Result<(), PassphraseError> {
    if passphrase.chars().count() < limits::SHORTEST_PASSPHRASE {
        let problem = format!("is shorter than {} characters", limits::SHORTEST_PASSPHRASE);
        return Err(PassphraseError::Unfit { place: place.to_owned(), problem });
    }
    Ok(())
}

fn place(context: &Context) -> String {
    context.shared.passphrase_fd.map_or_else(
        || "the credential ca-passphrase".to_owned(),
        |number| format!("file descriptor {number}"),
    )
}

/// The passphrase from where a program put it, if it did.
fn given(context: &Context) -> Option<Result<Zeroizing<String>, PassphraseError>> {
    let file = match &context.passphrase {
        Some(inherited) => {
            inherited.as_ref().map_err(|errno| io::Error::from(*errno)).and_then(File::try_clone)
        }
        None => File::open(credential()?),
    };
    Some(read(file, place(context)))
}

fn credential() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join("ca-passphrase");
    path.exists().then_some(path)
}

fn read(file: io::Result<File>, place: String) -> Result<Zeroizing<String>, PassphraseError> {
    let failed = |source| PassphraseError::Read { place: place.clone(), source };
    let unfit = |problem: &str| PassphraseError::Unfit { place: place.clone(), problem: problem.to_owned() };
    let mut file = file.map_err(failed)?;
    // Byte by byte up to the newline, so that the rest stays for whoever reads the descriptor next.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limits::PASSPHRASE + 1));
    let mut byte = [0_u8];
    while file.read(&mut byte).map_err(failed)? == 1 && byte != *b"\n" {
        if bytes.len() == limits::PASSPHRASE {
            return Err(unfit("is too long"));
        }
        bytes.push(byte[0]);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| unfit("is not UTF-8"))?;
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(unfit("is empty"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

/// The terminal, without echo; the answers to several questions may be typed at once.
fn terminal(key: &str) -> Result<Terminal, PassphraseError> {
    Terminal::quiet().map_err(unread)?.ok_or_else(|| PassphraseError::NoTerminal(key.to_owned()))
}

fn unread(source: io::Error) -> PassphraseError {
    PassphraseError::Read { place: "the terminal".to_owned(), source }
}
