//! What would change: every file with its bytes before and after, and the group; as a unified diff for people.
//!
//! Making a plan reads only. Its order is that of the change, and keeps every state in between sound: what nothing refers
//! to yet, then the PAM lines, which alone refuse vendors, then sshd's block, which lets a certificate in. Taking it back
//! goes the other way round.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::Group;

use super::error::{Result, SetupError};
use super::place::{self, GROUP, OTHER_SERVICES, Place};
use super::state::{Installed, digest};
use super::{host_files, marked, pam_lines, replace, scopes, sshd_block};

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Where.
    pub(super) path: PathBuf,
    /// Its bytes now; `None`: it is not there.
    pub(super) before: Option<Vec<u8>>,
    /// Its bytes afterwards; `None`: it is gone.
    pub(super) after: Option<Vec<u8>>,
    /// Whose owner and mode a new file gets: the file's that it was.
    pub(super) like: Option<PathBuf>,
}

/// All of it, in the order of the change.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The files.
    pub(super) changes: Vec<Change>,
    /// Whether the group is made, or taken away.
    pub(super) group: Option<GroupChange>,
    /// What stays although it is ours, and why.
    pub(super) kept: Vec<String>,
    /// Lines of somebody else that go with our blocks.
    pub(super) lost: Vec<String>,
}

/// What becomes of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupChange {
    /// It is made.
    Add,
    /// It is taken away.
    Delete,
}

impl Plan {
    /// Whether nothing would change.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.group.is_none()
    }

    fn file(&mut self, path: PathBuf, before: Option<Vec<u8>>, after: Option<Vec<u8>>) {
        if before != after {
            self.changes.push(Change { path, before, after, like: None });
        }
    }

    /// Takes our block out of a file of somebody else.
    fn strip(&mut self, path: PathBuf, now: Vec<u8>) -> Result<()> {
        let bare = marked::strip(&now).map_err(|_| unbalanced(&path))?;
        self.lose(&path, &now);
        self.file(path, Some(now), Some(bare));
        Ok(())
    }

    /// Says which lines that somebody wrote go with our block.
    fn lose(&mut self, path: &Path, now: &[u8]) {
        self.lost.extend(lost(path, now));
    }

    /// Takes our drop-in out of what sshd reads. One that somebody changed is kept under another name: where it stood, it
    /// would let certificates in without the module.
    fn take_out_drop_in(&mut self, place: &Place, installed: &Installed) -> Result<()> {
        let path = place.drop_in();
        match read(&path)? {
            Some(now) if !is_as_written(&path, &now, sshd_block::BLOCK, installed) => {
                let aside = sshd_block::aside(place, &path).ok_or_else(|| {
                    SetupError::new(format!("{}: sshd would read it under any name there", path.display()))
                        .hint("move it to another folder")
                })?;
                self.kept.push(format!(
                    "{} as {}, which sshd does not read: it was changed since `jit setup` wrote it",
                    path.display(),
                    aside.display()
                ));
                let (after, like) = (Some(now.clone()), Some(path.clone()));
                self.changes.push(Change { path: aside, before: None, after, like });
                self.file(path, Some(now), None);
            }
            now => self.file(path, now, None),
        }
        Ok(())
    }

    /// Takes a whole file of ours out, unless somebody changed it.
    fn take_out(&mut self, path: PathBuf, text: &str, installed: &Installed) -> Result<()> {
        match read(&path)? {
            Some(now) if is_as_written(&path, &now, text, installed) => self.file(path, Some(now), None),
            Some(_) => {
                self.kept.push(format!("{}: it was changed since `jit setup` wrote it", path.display()));
            }
            None => {}
        }
        Ok(())
    }

    /// The unified diff of all files; what else is done, as comments that patch(1) skips.
    #[must_use]
    pub(super) fn diff(&self) -> String {
        let mut out = match self.group {
            Some(GroupChange::Add) => format!("# groupadd --system {GROUP}\n"),
            Some(GroupChange::Delete) => format!("# groupdel {GROUP}\n"),
            None => String::new(),
        };
        for folder in self.missing_folders() {
            let _ = writeln!(out, "# mkdir --mode=755 {}", folder.display());
        }
        self.changes.iter().for_each(|change| out.push_str(&change.diff()));
        out
    }

    /// The folders that the new files need and that are not there, each after the one that it lies in.
    pub(super) fn missing_folders(&self) -> Vec<PathBuf> {
        let new = self.changes.iter().filter(|change| change.after.is_some());
        let folders = new.filter_map(|change| change.path.parent()).flat_map(Path::ancestors);
        let missing: BTreeSet<PathBuf> =
            folders.filter(|folder| !folder.exists()).map(Path::to_owned).collect();
        missing.into_iter().collect()
    }
}

impl Change {
    fn diff(&self) -> String {
        let side = |letter, there: bool| match there {
            true => format!("{letter}{}", self.path.display()),
            false => "/dev/null".to_owned(),
        };
        let (old, new) = (side("a", self.before.is_some()), side("b", self.after.is_some()));
        let mut out = String::new();
        if let (None, Some(_)) = (&self.before, &self.after) {
            let _ = writeln!(out, "# new, {}", self.rights());
        }
        let text = |bytes: &Option<Vec<u8>>| {
            let bytes = bytes.as_deref().unwrap_or_default();
            std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).map(str::to_owned)
        };
        if let (Some(before), Some(after)) = (text(&self.before), text(&self.after)) {
            let diff = similar::TextDiff::from_lines(before.as_str(), after.as_str());
            let _ = write!(out, "{}", diff.unified_diff().context_radius(3).header(&old, &new));
            return out;
        }
        // No text, so patch(1) could do nothing with it: a person may still compare it.
        let _ = writeln!(out, "# {old} -> {new}, no text:");
        for (sign, bytes) in [('-', &self.before), ('+', &self.after)] {
            if let Some(bytes) = bytes {
                let _ = writeln!(out, "# {sign} {} bytes, SHA-256 {}", bytes.len(), digest(bytes));
            }
        }
        if self.after.as_deref() == Some(&host_files::EMPTY_KRL) {
            out.push_str("# a list of revoked certificates that revokes none\n");
        }
        out
    }

    /// Owner and mode of a new file.
    fn rights(&self) -> String {
        match self.like.as_deref().and_then(|like| fs::metadata(like).ok()) {
            Some(facts) => format!("{}:{}, mode {:04o}", facts.uid(), facts.gid(), facts.mode() & 0o7777),
            None => format!("root:root, mode {:04o}", replace::NEW),
        }
    }
}

/// The bytes of a file that may be missing. A link is refused: what it leads to is somebody else's.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Ok(facts) if !facts.is_file() => Err(SetupError::new(format!("{} is no plain file", path.display()))
            .hint("`jit setup` writes plain files only: put the file itself there")),
        Ok(_) => fs::read(path).map(Some).map_err(|source| SetupError::file("read", path, source)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SetupError::file("look at", path, error)),
    }
}

/// Whether it is a link to another service: `su-l` to `su`. What that gets, this has.
fn is_other_name(path: &Path) -> bool {
    let leads_to =
        fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink()).then(|| fs::canonicalize(path));
    leads_to.is_some_and(|path| {
        path.is_ok_and(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            path.parent() == Some(Path::new(place::PAM)) && OTHER_SERVICES.contains(&name)
        })
    })
}

/// What setting this host up would change. `service` is sshd's PAM service.
pub(super) fn install(
    place: &Place,
    service: &str,
    wanted: &host_files::Wanted,
    installed: &Installed,
) -> Result<Plan> {
    let mut plan = Plan::default();
    if find_group()?.is_none() {
        plan.group = Some(GroupChange::Add);
    }
    for (path, bytes) in host_files::missing(wanted)? {
        plan.file(path, None, Some(bytes));
    }
    if place::has_systemd() {
        let path = scopes::drop_in();
        let there = ours_or_nobodys(&path, scopes::TEXT, installed)?;
        plan.file(path, there, Some(scopes::TEXT.as_bytes().to_vec()));
    }
    let pam = |name: &str| Path::new(place::PAM).join(name);
    let path = pam(service);
    let Some(now) = read(&path)? else {
        return Err(SetupError::new(format!("{} does not exist", path.display()))
            .hint("sshd's PAM service comes with its package: install openssh-server again"));
    };
    let bare = pam_lines::bare(&path, &now)?;
    let with = pam_lines::sshd(&path, &bare, service)?;
    plan.lose(&path, &now);
    plan.file(path, Some(now), Some(with));
    for path in OTHER_SERVICES.iter().filter(|name| **name != service).map(|name| pam(name)) {
        if is_other_name(&path) {
            continue;
        }
        let Some(now) = read(&path)? else { continue };
        let with = pam_lines::other(&pam_lines::bare(&path, &now)?);
        plan.lose(&path, &now);
        plan.file(path, Some(now), Some(with));
    }
    let Some(now) = read(&place.sshd_config)? else {
        return Err(SetupError::new(format!("{} does not exist", place.sshd_config.display())));
    };
    let (with, drop_in) = sshd_block::configuration(place, &bare_configuration(place, &now)?, service);
    let ours = place.drop_in();
    let block = sshd_block::block(service);
    let there = ours_or_nobodys(&ours, if drop_in { &block } else { "" }, installed)?;
    plan.file(ours, there, drop_in.then(|| block.into_bytes()));
    plan.lose(&place.sshd_config, &now);
    plan.file(place.sshd_config.clone(), Some(now), Some(with));
    Ok(plan)
}

/// Whether a whole file of ours is as this program would write it, or as set-up has.
fn is_as_written(path: &Path, now: &[u8], text: &str, installed: &Installed) -> bool {
    now == text.as_bytes() || installed.files.get(path) == Some(&digest(now))
}

/// Lines that somebody wrote into a block of ours, as they are told.
pub(super) fn lost(path: &Path, now: &[u8]) -> impl Iterator<Item = String> {
    let ours = [&pam_lines::TEXTS[..], &sshd_block::TEXTS[..]].concat();
    let usual = std::str::from_utf8(now).map(sshd_block::as_usual);
    let lines = marked::lost(usual.as_ref().map_or(now, |text| text.as_bytes()), &ours).into_iter();
    lines.map(move |line| format!("{}: `{line}` stood inside of our block, and goes with it", path.display()))
}

/// The bytes of a whole file that set-up writes: as they will be, as it wrote them before, or not there at all. Others are
/// somebody's own.
fn ours_or_nobodys(path: &Path, text: &str, installed: &Installed) -> Result<Option<Vec<u8>>> {
    let there = read(path)?;
    match &there {
        Some(bytes) if !is_as_written(path, bytes, text, installed) => Err(SetupError::new(format!(
            "{} was not written by `jit setup`, or changed since",
            path.display()
        ))
        .hint("move your lines to another file of that folder, and this one away")),
        _ => Ok(there),
    }
}

/// What taking it all out would change: in the other order. Each place has sshd's PAM service with it.
pub(super) fn remove(places: &[(Place, String)], installed: &Installed, purge: bool) -> Result<Plan> {
    let mut plan = Plan::default();
    for (place, _) in places {
        if let Some(now) = read(&place.sshd_config)? {
            plan.strip(place.sshd_config.clone(), now)?;
        }
        plan.take_out_drop_in(place, installed)?;
    }
    // sshd's own last.
    let is_sshds = |name: &str| places.iter().any(|(_, service)| service == name);
    let mut services: Vec<&str> = OTHER_SERVICES.into_iter().filter(|name| !is_sshds(name)).collect();
    for (_, service) in places {
        if !services.contains(&service.as_str()) {
            services.push(service);
        }
    }
    for path in services.iter().map(|name| Path::new(place::PAM).join(name)) {
        if is_other_name(&path) {
            continue;
        }
        let Some(now) = read(&path)? else { continue };
        plan.strip(path, now)?;
    }
    plan.take_out(scopes::drop_in(), scopes::TEXT, installed)?;
    if purge {
        for path in host_files::all() {
            let now = read(&path)?;
            plan.file(path, now, None);
        }
    }
    if let Some(group) = find_group()?.filter(|_| installed.group) {
        if is_used(&group) {
            plan.kept.push(format!("the group {GROUP}: it has members"));
        } else {
            plan.group = Some(GroupChange::Delete);
        }
    }
    Ok(plan)
}

fn bare_configuration(place: &Place, now: &[u8]) -> Result<Vec<u8>> {
    marked::strip(now).map_err(|_| unbalanced(&place.sshd_config))
}

fn unbalanced(path: &Path) -> SetupError {
    SetupError::new(format!("{}: a line `# BEGIN jit-host` or `# END jit-host` stands alone", path.display()))
        .hint("put the missing line back, or take the lines between out by hand")
}

/// The group, if it is there.
pub(super) fn find_group() -> Result<Option<Group>> {
    Group::from_name(GROUP)
        .map_err(|errno| SetupError::new(format!("cannot look up the group {GROUP}: {}", errno.desc())))
}

/// Whether any account is in it.
#[must_use]
pub(super) fn is_used(group: &Group) -> bool {
    let (accounts, _) = crate::check::accounts::look(GROUP);
    let primary = || {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let gid = group.gid.to_string();
        passwd.lines().any(|line| line.split(':').nth(3) == Some(&gid))
    };
    !group.mem.is_empty() || !accounts.vendors.is_empty() || primary()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_one_that_patch_reads() {
        let change = Change {
            path: PathBuf::from("/x"),
            before: Some(b"a\nb".to_vec()),
            after: Some(b"a\nb\nc\n".to_vec()),
            like: None,
        };
        let diff = change.diff();
        assert!(diff.starts_with("--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n"), "{diff}");
        assert!(diff.contains("\\ No newline at end of file\n"), "{diff}");
    }

    #[test]
    fn bytes_that_are_no_text_are_named_only() {
        let change =
            Change { path: PathBuf::from("/k"), before: None, after: Some(b"a\0".to_vec()), like: None };
        let says = format!(
            "# new, root:root, mode 0644\n# /dev/null -> b/k, no text:\n# + 2 bytes, SHA-256 {}\n",
            digest(b"a\0")
        );
        assert_eq!(change.diff(), says);
    }
}
