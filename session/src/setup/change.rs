//! Making a plan live, and taking a change back.
//!
//! Everything that can fail for want of room or permission is done before the first file is live; then files are renamed
//! one by one. Taking back goes by what is there: a file that nobody touched since gets its previous bytes, one that
//! somebody edited loses our block and keeps the edit. So it can be done again after a kill at any point.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{Result, SetupError};
use super::place::{GROUP, Place};
use super::plan::{self, Change, GroupChange, Plan};
use super::state::{self, Installed, Kept, Pending, State, digest};
use super::{marked, reload, replace, scopes};

/// Writes the journal: the previous bytes of every file, then, in one step, that the change is under way.
pub(super) fn begin(state: &mut State, plan: &Plan, place: &Place, id: &str) -> Result<()> {
    let mut becomes = state.installed.clone();
    becomes.group |= plan.group == Some(GroupChange::Add);
    let folders = missing_folders(plan);
    becomes.folders.extend(folders.iter().cloned());
    for change in &plan.changes {
        match (&change.before, &change.after) {
            (_, None) => drop(becomes.files.remove(&change.path)),
            (None, Some(after)) => drop(becomes.files.insert(change.path.clone(), digest(after))),
            (Some(_), Some(after)) if becomes.files.contains_key(&change.path) => {
                becomes.files.insert(change.path.clone(), digest(after));
            }
            _ => {}
        }
    }
    let files = plan.changes.iter().map(|change| Kept {
        path: change.path.clone(),
        before: change.before.as_deref().map(digest),
        after: change.after.as_deref().map(digest),
    });
    let pending = Pending {
        id: id.to_owned(),
        live: false,
        files: files.collect(),
        group: plan.group == Some(GroupChange::Add),
        folders,
        becomes,
        sshd: (place.sshd.clone(), place.sshd_config.clone(), place.sshd_pid),
    };
    for change in &plan.changes {
        if let Some(before) = &change.before {
            let saved = pending.saved(&change.path);
            state::make_folder(saved.parent().unwrap_or(Path::new("/")))?;
            replace::put(&saved, before, Some(&change.path))?;
        }
    }
    state.pending = Some(pending);
    state.write()
}

/// Makes the plan live, in its order.
pub(super) fn apply(plan: &Plan) -> Result<()> {
    for folder in missing_folders(plan) {
        make(&folder).map_err(|source| SetupError::file("make", &folder, source))?;
    }
    let prepared = plan.changes.iter().try_for_each(|change| match &change.after {
        Some(after) => {
            replace::prepare(&change.path, after, change.before.is_some().then_some(&*change.path))
        }
        None => Ok(()),
    });
    let applied = prepared.and_then(|()| {
        match plan.group {
            Some(GroupChange::Add) => group(&["groupadd", "--system", GROUP])?,
            Some(GroupChange::Delete) => group(&["groupdel", GROUP])?,
            None => {}
        }
        plan.changes.iter().try_for_each(make_live)
    });
    if applied.is_err() {
        for change in &plan.changes {
            drop(fs::remove_file(replace::beside(&change.path)));
        }
    }
    applied
}

/// The folders that the new files need and that are not there, each after the one that it lies in.
fn missing_folders(plan: &Plan) -> Vec<PathBuf> {
    let parents = plan.changes.iter().filter(|change| change.after.is_some()).filter_map(|c| c.path.parent());
    let missing: BTreeSet<PathBuf> =
        parents.flat_map(Path::ancestors).filter(|folder| !folder.exists()).map(Path::to_owned).collect();
    missing.into_iter().collect()
}

/// Makes a folder that everybody may look into, whatever the umask is: sshd reads in there as nobody.
fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o755).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    replace::sync_folder(folder)
}

fn make_live(change: &Change) -> Result<()> {
    if plan::read(&change.path)? != change.before {
        return Err(SetupError::new(format!(
            "{} was changed by somebody else meanwhile",
            change.path.display()
        ))
        .hint("run this again"));
    }
    match change.after {
        Some(_) => replace::commit(&change.path),
        None => replace::delete(&change.path),
    }
}

fn group(words: &[&str]) -> Result<()> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null());
    let output = command.output().map_err(|source| SetupError::run(words[0], source))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(SetupError::new(format!("`{}` failed: {said}", words.join(" "))))
}

/// Takes the change under way back: sshd's files first, then sshd reads them, then everything else, and then the journal
/// ends. Gives what a person should know.
pub(super) fn restore(state: &mut State) -> Result<Vec<String>> {
    let Some(pending) = state.pending.clone() else { return Ok(Vec::new()) };
    let place = pending.place();
    let (sshds, others): (Vec<&Kept>, Vec<&Kept>) =
        pending.files.iter().rev().partition(|kept| is_sshds(&place, &kept.path));
    let mut said = Vec::new();
    for kept in &sshds {
        said.extend(put_back(&pending, kept)?);
    }
    if !sshds.is_empty() {
        said.extend(
            reload::reload(&place).map_or_else(|error| Some(error.to_string()), |done| done.to_say()),
        );
    }
    for kept in &others {
        said.extend(put_back(&pending, kept)?);
    }
    if others.iter().any(|kept| scopes::is_drop_in(&kept.path)) {
        said.extend(scopes::reload().err().map(|error| error.to_string()));
    }
    if pending.group
        && let Some(found) = plan::find_group()?
    {
        if plan::is_used(&found) {
            said.push(format!("the group {GROUP} stays: it has members by now"));
        } else {
            group(&["groupdel", GROUP])?;
        }
    }
    // A folder that holds something of somebody else stays.
    pending.folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    state.end(false)?;
    Ok(said)
}

/// Whether the file is one that sshd reads when it is told to.
pub(super) fn is_sshds(place: &Place, path: &Path) -> bool {
    path == place.sshd_config || path.starts_with(place.drop_ins())
}

fn put_back(pending: &Pending, kept: &Kept) -> Result<Option<String>> {
    let path = &kept.path;
    drop(fs::remove_file(replace::beside(path)));
    let now = plan::read(path)?;
    let is = now.as_deref().map(digest);
    if is == kept.before {
        return Ok(None);
    }
    if is == kept.after {
        match kept.before {
            None => replace::delete(path)?,
            Some(_) => {
                let saved = pending.saved(path);
                let bytes = fs::read(&saved).map_err(|source| SetupError::file("read", &saved, source))?;
                replace::put(path, &bytes, Some(&saved))?;
            }
        }
        return Ok(None);
    }
    let told = |what| Ok(Some(format!("{}: somebody changed it meanwhile; {what}", path.display())));
    match now.as_deref().map(|bytes| (marked::strip(bytes), bytes)) {
        Some((Ok(bare), bytes)) if bare != bytes => {
            replace::put(path, &bare, Some(path))?;
            told("our block was taken out, the rest stays")
        }
        _ => told("it stays as it is"),
    }
}

/// What is left of what was installed, when all of it was taken out: folders, if nothing is in them.
pub(super) fn forget(installed: &Installed) {
    installed.folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    drop(fs::remove_dir_all(super::place::STATE));
    drop(Path::new(super::place::STATE).parent().map(fs::remove_dir));
}
