//! Making a plan live, and taking a change back.
//!
//! Everything that can fail for want of room or permission is done before the first file is live; then files are renamed
//! one by one. Taking back goes by what is there: a file that nobody touched since gets its previous bytes, one that
//! somebody edited loses our block and keeps the edit. So it can be done again after a kill at any point.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::{Result, SetupError};
use super::place::{GROUP, PAM, Place, has_systemd};
use super::plan::{self, Change, GroupChange, Plan};
use super::state::{self, Installed, Kept, Pending, State, digest};
use super::{marked, reload, replace, scopes, sshd_block};

/// Writes the journal: the previous bytes of every file, then, in one step, that the change is under way.
pub(super) fn begin(state: &mut State, plan: &Plan, place: &Place, id: &str) -> Result<()> {
    let mut becomes = state.installed.clone();
    becomes.group |= plan.group == Some(GroupChange::Add);
    becomes.know(place);
    let folders = plan.missing_folders();
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
        taken_back: false,
        files: files.collect(),
        group: plan.group == Some(GroupChange::Add),
        folders,
        becomes,
        sshd: (place.sshd.clone(), place.sshd_config.clone(), place.sshd_pid),
        unit: reload::active_unit().map(|unit| (unit.to_owned(), boot())),
    };
    state::make_folder(&state::saved_folder(id))?;
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

/// The name of this boot of the kernel.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Makes the plan live, in its order.
pub(super) fn apply(plan: &Plan) -> Result<()> {
    for folder in plan.missing_folders() {
        make(&folder).map_err(|source| SetupError::file("make", &folder, source))?;
    }
    let prepared = plan.changes.iter().try_for_each(|change| match &change.after {
        Some(after) => {
            let itself = change.before.is_some().then_some(&*change.path);
            replace::prepare(&change.path, after, itself.or(change.like.as_deref()))
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
///
/// A file that can't be put back keeps no other from it, and is tried again by the next run; but as long as sshd may have
/// our block, PAM keeps our lines: without them a certificate alone would let in.
pub(super) fn restore(state: &mut State) -> Result<Vec<String>> {
    let Some(pending) = &mut state.pending else { return Ok(Vec::new()) };
    pending.taken_back = true;
    // Nobody confirms what is half of a change. A disk that is full keeps nothing in its place all the same: then it is seen
    // by the files.
    drop(state.write());
    let Some(pending) = state.pending.clone() else { return Ok(Vec::new()) };
    let place = pending.place();
    let mut work = Work::default();
    let (sshds, others): (Vec<&Kept>, Vec<&Kept>) =
        pending.files.iter().rev().partition(|kept| is_sshds(&place, &kept.path));
    for kept in &sshds {
        work.put_back(&pending, kept);
    }
    if work.left.len() < sshds.len() {
        work.tell_sshd(&pending, &sshds);
    }
    let sshd_is_clear = work.failed.is_empty();
    for kept in &others {
        if sshd_is_clear || !kept.path.starts_with(PAM) {
            work.put_back(&pending, kept);
        } else {
            work.left.push((*kept).clone());
        }
    }
    if others.iter().any(|kept| scopes::is_drop_in(&kept.path)) {
        work.said.extend(scopes::reload().err().map(|error| error.to_string()));
    }
    if pending.group {
        work.take_group_away();
    }
    if let Some(error) = work.error() {
        if let Some(pending) = &mut state.pending {
            // In the order of the change.
            pending.files.retain(|kept| work.left.iter().any(|left| left.path == kept.path));
        }
        drop(state.write());
        return Err(error);
    }
    // A folder that holds something of somebody else stays.
    pending.folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    state.end(false)?;
    Ok(work.said)
}

/// How far taking back has come.
#[derive(Debug, Default)]
struct Work {
    /// What a person should know.
    said: Vec<String>,
    /// What failed.
    failed: Vec<SetupError>,
    /// What has to be done again.
    left: Vec<Kept>,
}

impl Work {
    fn put_back(&mut self, pending: &Pending, kept: &Kept) {
        match put_back(pending, kept) {
            Ok(said) => self.said.extend(said),
            Err(error) => {
                self.failed.push(error);
                self.left.push(kept.clone());
            }
        }
    }

    /// sshd reads its files. One that does not may still have our block; where none runs, none has.
    fn tell_sshd(&mut self, pending: &Pending, sshds: &[&Kept]) {
        let place = &pending.place();
        // One that ended when it was told of the change is what everybody logs in through. After a restart process 1 starts it
        // in its turn.
        if let Some((unit, _)) = pending.unit.as_ref().filter(|(_, at)| *at == boot()) {
            match reload::start(unit) {
                Ok(true) => {
                    // It has read the files as they are now.
                    self.said.push(format!("{unit} had ended, and was started again"));
                    return;
                }
                Ok(false) => {}
                Err(error) => {
                    // Nobody can log in: it is tried again, whatever else succeeds.
                    self.failed.push(error);
                    self.left.extend(sshds.iter().map(|kept| (*kept).clone()));
                    return;
                }
            }
        }
        match reload::reload(place) {
            Ok(done) => self.said.extend(done.to_say()),
            Err(error) if has_systemd() && reload::runs(place).is_none() => self.said.push(error.whole()),
            Err(error) => {
                self.failed.push(error);
                self.left.extend(sshds.iter().map(|kept| (*kept).clone()));
            }
        }
    }

    fn take_group_away(&mut self) {
        match plan::find_group() {
            Ok(Some(found)) if plan::is_used(&found) => {
                self.said.push(format!("the group {GROUP} stays: it has members by now"));
            }
            Ok(Some(_)) => self.failed.extend(group(&["groupdel", GROUP]).err()),
            Ok(None) => {}
            Err(error) => self.failed.push(error),
        }
    }

    /// All that failed, as one.
    fn error(&mut self) -> Option<SetupError> {
        let mut failed = std::mem::take(&mut self.failed).into_iter();
        let first = failed.next()?;
        let more = failed.map(|error| error.whole()).chain(std::mem::take(&mut self.said));
        Some(more.fold(first, |error, more| error.and(&more)))
    }
}

/// Whether anything of the change was put back already: then half of it is all that there is.
#[must_use]
pub(super) fn is_half(pending: &Pending) -> bool {
    pending.files.iter().any(|kept| {
        plan::read(&kept.path).is_ok_and(|now| now.as_deref().map(digest) == kept.before)
            && kept.before != kept.after
    })
}

/// Whether the file is one that sshd reads when it is told to.
pub(super) fn is_sshds(place: &Place, path: &Path) -> bool {
    path == place.sshd_config || path.starts_with(place.drop_ins())
}

fn put_back(pending: &Pending, kept: &Kept) -> Result<Vec<String>> {
    let path = &kept.path;
    drop(fs::remove_file(replace::beside(path)));
    let now = plan::read(path)?;
    let is = now.as_deref().map(digest);
    if is == kept.before {
        return Ok(Vec::new());
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
        return Ok(Vec::new());
    }
    let told = |what: &str| format!("{}: somebody changed it meanwhile; {what}", path.display());
    let place = pending.place();
    let Some(bytes) = now else { return Ok(vec![told("it stays as it is")]) };
    match marked::strip(&bytes) {
        Ok(bare) if bare != bytes => {
            replace::put(path, &bare, Some(path))?;
            let lost = plan::lost(path, &bytes);
            return Ok(std::iter::once(told("our block was taken out, the rest stays"))
                .chain(lost)
                .collect());
        }
        _ if kept.before.is_some() || !is_sshds(&place, path) => {}
        _ => {
            // Where it stands, sshd would go on letting certificates in.
            let aside = sshd_block::aside(&place, path);
            let Some(aside) = aside else {
                return Err(SetupError::new(told("sshd would read it under any name there"))
                    .hint("move it to another folder"));
            };
            replace::put(&aside, &bytes, Some(path))?;
            replace::delete(path)?;
            return Ok(vec![told(&format!("it is now {}, which sshd does not read", aside.display()))]);
        }
    }
    if is_sshds(&place, path) && sshd_block::lets_in(&bytes).is_some() && !had_block(pending, kept) {
        return Err(SetupError::new(told("our block can't be told from the rest"))
            .hint("take the lines from `# BEGIN jit-host` on out, up to `# END jit-host`"));
    }
    Ok(vec![told("it stays as it is")])
}

/// Whether our block stood in the file before the change.
fn had_block(pending: &Pending, kept: &Kept) -> bool {
    kept.before.is_some()
        && fs::read(pending.saved(&kept.path)).is_ok_and(|bytes| sshd_block::lets_in(&bytes).is_some())
}

/// What is left of what was installed, when all of it was taken out: folders, if nothing is in them.
pub(super) fn forget(installed: &Installed) {
    installed.folders.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    drop(fs::remove_dir_all(super::place::STATE));
    drop(Path::new(super::place::STATE).parent().map(fs::remove_dir));
}
