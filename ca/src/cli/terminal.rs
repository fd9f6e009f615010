//! The terminal of the person who runs a command, for answers that nobody is to read over a shoulder.
//!
//! Echo is off before a question can be seen, and what was typed before that is thrown away: the kernel has shown it, so
//! it is no secret, and it was meant for something else. However the asking ends, the terminal is as it was before.

use std::fs::File;
use std::io::{self, Read, Write};

use ca::limits;
use nix::sys::signal::{Signal, raise};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

const ESCAPE: u8 = 0x1b;
/// What terminals send for the key above Enter, whichever of the two theirs is set to.
const BACKSPACES: [u8; 2] = [0x08, 0x7f];

/// A terminal without echo, until it is dropped.
pub(crate) struct Terminal {
    tty: File,
    before: Termios,
}

impl Terminal {
    /// The terminal that controls this process; `None` when there is none.
    ///
    /// # Errors
    /// When its echo can't be turned off: then nothing is asked.
    pub(crate) fn quiet() -> io::Result<Option<Self>> {
        // Not standard input and output, which stay free.
        let Ok(tty) = File::options().read(true).write(true).open("/dev/tty") else { return Ok(None) };
        let before = tcgetattr(&tty)?;
        let mut quiet = before.clone();
        // Byte by byte, so that no line of the kernel's has the answer; Ctrl-C is read, so that it can't leave the echo off.
        quiet
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
        quiet.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        quiet.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(&tty, SetArg::TCSAFLUSH, &quiet)?;
        Ok(Some(Self { tty, before }))
    }

    /// Asks, and reads the answer up to Enter.
    ///
    /// # Errors
    /// When the terminal is gone, or the answer was broken off, too long, or no text. Ctrl-C ends the process as ever.
    pub(crate) fn ask(&mut self, question: &str) -> io::Result<Zeroizing<String>> {
        self.tty.write_all(question.as_bytes())?;
        let answer = self.line();
        // The Enter that was not shown; also where there was none. If the terminal is gone, nobody misses it.
        let _ = self.tty.write_all(b"\n");
        let mut answer = match answer {
            // The signal of the key, now that the echo is on again. Where somebody ignores it, an error like any other.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.restore();
                let _ = raise(Signal::SIGINT);
                return Err(error);
            }
            answer => answer?,
        };
        String::from_utf8(std::mem::take(&mut *answer)).map(Zeroizing::new).map_err(|error| {
            error.into_bytes().zeroize();
            io::Error::other("it is not UTF-8")
        })
    }

    /// What is typed up to Enter; `Interrupted` is Ctrl-C.
    fn line(&mut self) -> io::Result<Zeroizing<Vec<u8>>> {
        // Never grown, so no copy of it stays behind.
        let mut answer = Zeroizing::new(Vec::with_capacity(limits::PASSPHRASE));
        let key = |index: SpecialCharacterIndices| self.before.control_chars[index as usize];
        let (interrupt, end) = (key(SpecialCharacterIndices::VINTR), key(SpecialCharacterIndices::VEOF));
        let (line, word) = (key(SpecialCharacterIndices::VKILL), key(SpecialCharacterIndices::VWERASE));
        loop {
            match self.byte()? {
                b'\n' | b'\r' => return Ok(answer),
                byte if BACKSPACES.contains(&byte) => erase(&mut answer),
                ESCAPE => self.skip_key()?,
                byte if byte == interrupt => return Err(io::ErrorKind::Interrupted.into()),
                byte if byte == end && answer.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
                byte if byte == line => answer.zeroize(),
                byte if byte == word => erase_word(&mut answer),
                byte if byte.is_ascii_control() => {}
                _ if answer.len() == limits::PASSPHRASE => return Err(io::Error::other("it is too long")),
                byte => answer.push(byte),
            }
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.tty.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// The rest of what an arrow or another such key sends.
    fn skip_key(&mut self) -> io::Result<()> {
        if matches!(self.byte()?, b'[' | b'O') {
            while !(0x40..=0x7e).contains(&self.byte()?) {}
        }
        Ok(())
    }

    /// What was typed beyond an answer goes too: it would be the shell's, which shows it and keeps a history.
    fn restore(&self) {
        let _ = tcsetattr(&self.tty, SetArg::TCSAFLUSH, &self.before);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}

/// Takes the last character away, however many bytes it has.
fn erase(answer: &mut Vec<u8>) {
    while answer.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

/// Takes the blanks at the end away, and the word before them.
fn erase_word(answer: &mut Vec<u8>) {
    while answer.pop_if(|byte| *byte == b' ').is_some() {}
    while answer.pop_if(|byte| *byte != b' ').is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_erase_take_whole_characters_and_words() {
        let mut answer = "correct hörsé".as_bytes().to_vec();
        erase(&mut answer);
        assert_eq!(answer, "correct hörs".as_bytes());
        (0..3).for_each(|_| erase(&mut answer));
        assert_eq!(answer, b"correct h");
        answer.extend(b"orse  ");
        erase_word(&mut answer);
        assert_eq!(answer, b"correct ");
        erase_word(&mut answer);
        erase_word(&mut answer);
        erase(&mut answer);
        assert!(answer.is_empty());
    }
}
