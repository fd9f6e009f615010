//! host.toml on first use, and the edit that puts authority, host and roles into it and leaves the rest as it is.
//!
//! The values are replaced where TOML's own parser says that they stand, so that comments, order and blanks stay. The
//! result is read back as a host reads it: an edit that does not say what it should is none.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use grant::{Fingerprint, HostName, RoleName};
use hostfile::HostConfig;
use toml::de::{DeTable, DeValue};

/// The example that a new host begins with.
const EXAMPLE: &str = include_str!("../../../packaging/host.toml.example");
/// The authority in it, which is none.
const PLACEHOLDER: &str = "SHA256:...";

/// The text of a new host.toml, its files beside it.
#[must_use]
pub fn example(path: &Path) -> String {
    let folder = path.parent().unwrap_or(Path::new("/etc/jit")).display();
    EXAMPLE.replace("\"/etc/jit/", &format!("\"{folder}/"))
}

/// Whether a host.toml is the example in which nobody has named an authority yet.
#[must_use]
pub fn is_unpinned(text: &str) -> bool {
    let Ok(table) = DeTable::parse(text) else { return false };
    let authority = table.get_ref().get("authority");
    authority.is_some_and(|value| value.get_ref().as_str() == Some(PLACEHOLDER))
}

/// The text with these values in it.
///
/// # Errors
/// One sentence, when it is not TOML or would not be read as meant.
pub fn edited(
    path: &Path,
    text: &str,
    authority: Fingerprint,
    host: &HostName,
    roles: &BTreeSet<RoleName>,
) -> Result<String, String> {
    let old = HostConfig::parse(path, text.as_bytes()).ok();
    let says = |same: &dyn Fn(&HostConfig) -> bool| old.as_ref().is_some_and(same);
    let roles_text = roles.iter().map(|role| format!("\"{role}\"")).collect::<Vec<_>>().join(", ");
    let mut wanted = vec![
        (says(&|old| old.host == *host), "host", format!("\"{host}\"")),
        (says(&|old| old.roles == *roles), "roles", format!("[{roles_text}]")),
        (says(&|old| old.authority == authority), "authority", format!("\"{authority}\"")),
    ];
    // What says so already stays as it was written.
    wanted.retain(|(same, ..)| !same);
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    {
        let table = DeTable::parse(text).map_err(|e| e.message().to_owned())?;
        let mut missing = String::new();
        for (_, key, value) in wanted {
            match table.get_ref().get(key) {
                None => missing.push_str(&format!("{key} = {value}\n")),
                Some(found) if matches!(found.get_ref(), DeValue::String(_) | DeValue::Array(_)) => {
                    edits.push((found.span(), value));
                }
                Some(_) => return Err(format!("`{key}` is not written as it should be")),
            }
        }
        // In front of everything, so that they stand in no table.
        edits.push((0..0, missing));
    }
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for (span, value) in edits {
        if text.get(span.clone()).is_none() {
            return Err("its values can't be found".to_owned());
        }
        text.replace_range(span, &value);
    }
    let read = HostConfig::parse(path, text.as_bytes()).map_err(|e| e.to_string())?;
    if read.authority == authority && read.host == *host && read.roles == *roles {
        Ok(text)
    } else {
        Err("it would not say what the bundle says".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

    fn edit(text: &str, host: &str, roles: &[&str]) -> Result<String, String> {
        let roles = roles.iter().map(|role| role.parse().unwrap()).collect();
        edited(Path::new("/etc/jit/host.toml"), text, ROOT.parse().unwrap(), &host.parse().unwrap(), &roles)
    }

    #[test]
    fn an_edit_keeps_comments_and_everything_else() {
        let example = example(Path::new("/etc/jit/host.toml"));
        assert!(is_unpinned(&example));
        let edited = edit(&example, "web1.prod", &["web", "cache"]).unwrap();
        assert!(!is_unpinned(&edited));
        let differs: Vec<_> =
            edited.lines().zip(example.lines()).filter(|(new, old)| new != old).map(|(new, _)| new).collect();
        assert_eq!(
            differs,
            [
                "host = \"web1.prod\"                   # this host's name in grants",
                "roles = [\"cache\", \"web\"]                      # grants for a role reach this host too",
                &format!(
                    "authority = \"{ROOT}\"            # the trust root's fingerprint, as `ca init` prints it"
                ),
            ]
        );
        assert_eq!(edited.lines().count(), example.lines().count());
        assert_eq!(edit(&edited, "web1.prod", &["web", "cache"]).unwrap(), edited);
    }

    #[test]
    fn what_is_missing_is_put_in_front_of_every_table() {
        let text = format!(
            "# ours\nhost = 'db1.prod'\nauthority = \"{ROOT}\"\nca_keys = \"/a\"\napprovers = \"/b\"\nrevoked = \"/c\"\n[log]\n"
        );
        assert_eq!(edit(&text, "db1.prod", &["db"]).unwrap(), format!("roles = [\"db\"]\n{text}"));
        assert_eq!(edit(&text, "db1.prod", &[]).unwrap(), text);
    }

    #[test]
    fn a_list_over_several_lines_is_replaced_whole() {
        let text = format!(
            "host = \"db1.prod\"\nroles = [\n  \"db\", # first\n  \"old\",\n]\nauthority = \"{ROOT}\"\nca_keys = \"/a\"\napprovers = \"/b\"\nrevoked = \"/c\"\n"
        );
        let edited = edit(&text, "db1.prod", &["db"]).unwrap();
        assert!(edited.starts_with("host = \"db1.prod\"\nroles = [\"db\"]\nauthority"), "{edited}");
    }

    #[test]
    fn what_cannot_be_edited_safely_is_not() {
        assert!(edit("host = [", "db1.prod", &[]).is_err());
        assert!(edit("host = 3\n", "db1.prod", &[]).is_err());
        assert!(edit("surprise = 1\n", "db1.prod", &[]).is_err());
    }
}
