//! The fields of a TOML table, each taken once; what is left over is an error.
//!
//! Read from toml's parsed tables, not through serde: pam_jit.so carries this code into every login,
//! and serde's half of `toml` (with everything that reads and prints floats) is larger than all our
//! own files together. Messages are worded as serde words them, and each has its place.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::HostfileError;
use crate::host_toml::Source;

/// A table of which the fields are taken one by one.
pub(crate) struct Fields<'s> {
    source: &'s Source<'s>,
    table: DeTable<'s>,
    known: Vec<&'static str>,
}

impl<'s> Fields<'s> {
    /// The whole document.
    ///
    /// # Errors
    /// [`HostfileError`] if it is not TOML.
    pub(crate) fn of(source: &'s Source<'s>) -> Result<Self, HostfileError> {
        let table = DeTable::parse(source.text).map_err(|e| source.toml_error(&e))?.into_inner();
        Ok(Self { source, table, known: Vec::new() })
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'s>>> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'s>>, expected: &str) -> HostfileError {
        let found = value.get_ref().type_str();
        self.source.error(key, value, &format!("invalid type: {found}, expected {expected}"))
    }

    fn string(&self, key: &str, value: Spanned<DeValue<'s>>) -> Result<Spanned<String>, HostfileError> {
        let span = value.span();
        match value.get_ref() {
            DeValue::String(text) => Ok(Spanned::new(span, text.as_ref().to_owned())),
            _ => Err(self.wrong(key, &value, "a string")),
        }
    }

    /// A text that may be left out.
    pub(crate) fn text(&mut self, key: &'static str) -> Result<Option<Spanned<String>>, HostfileError> {
        self.take(key).map(|value| self.string(key, value)).transpose()
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, key: &'static str) -> Result<Spanned<String>, HostfileError> {
        self.text(key)?.ok_or_else(|| self.source.missing(key))
    }

    /// A list of texts; left out is empty.
    pub(crate) fn texts(&mut self, key: &'static str) -> Result<Vec<Spanned<String>>, HostfileError> {
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        if !value.get_ref().is_array() {
            return Err(self.wrong(key, &value, "a list of strings"));
        }
        match value.into_inner() {
            DeValue::Array(values) => values.into_iter().map(|value| self.string(key, value)).collect(),
            _ => Ok(Vec::new()),
        }
    }

    /// A whole number that may be left out.
    pub(crate) fn number(&mut self, key: &'static str) -> Result<Option<Spanned<i64>>, HostfileError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let number =
            value.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        number
            .map(|number| Some(Spanned::new(value.span(), number)))
            .ok_or_else(|| self.wrong(key, &value, "a whole number"))
    }

    /// One of a few words; which of them, by its index in `words`.
    pub(crate) fn word(&mut self, key: &'static str, words: &[&str]) -> Result<Option<usize>, HostfileError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match words.iter().position(|word| word == text.get_ref()) {
            Some(index) => Ok(Some(index)),
            None => {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                let problem =
                    format!("unknown variant `{}`, expected {}", text.get_ref(), words.join(" or "));
                Err(self.source.error(key, &text, &problem))
            }
        }
    }

    /// True or false, or left out.
    pub(crate) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, HostfileError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let flag = value.get_ref().as_bool();
        flag.map(Some).ok_or_else(|| self.wrong(key, &value, "true or false"))
    }

    /// A table inside this one that may be left out.
    pub(crate) fn table(&mut self, key: &'static str) -> Result<Option<Fields<'s>>, HostfileError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        if !value.get_ref().is_table() {
            return Err(self.wrong(key, &value, "a table"));
        }
        let (source, known) = (self.source, Vec::new());
        Ok(match value.into_inner() {
            DeValue::Table(table) => Some(Fields { source, table, known }),
            _ => None,
        })
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// [`HostfileError`] names the first field that nobody has taken.
    pub(crate) fn end(self) -> Result<(), HostfileError> {
        let Some(key) = self.table.keys().min_by_key(|key| key.span().start) else { return Ok(()) };
        let known: Vec<_> = self.known.iter().map(|known| format!("`{known}`")).collect();
        let problem = format!("unknown field `{}`, expected one of {}", key.get_ref(), known.join(", "));
        Err(self.source.line_error(key.span().start, None, &problem))
    }
}
