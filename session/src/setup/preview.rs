//! What `jit setup --dry-run` prints: the diff of every file, and as comments what is done besides.

use std::path::Path;

use super::error::Result;
use super::place::Place;
use super::plan::{self, Plan};
use super::removal::with_services;
use super::state::State;
use super::{Wanted, look, must_be_root, place, reload, touches_scopes, touches_sshd, units};

/// Prints what [`super::install`] or, with `removing`, [`super::remove`] would change, as a unified diff. Changes nothing.
///
/// # Errors
/// If what is there can't be understood.
pub fn dry_run(place: &Place, wanted: &Wanted, removing: Option<bool>) -> Result<String> {
    must_be_root()?;
    let state = State::read()?;
    let (places, plan) = match removing {
        Some(purge) => {
            let places = state.installed.places(place);
            let plan = plan::remove(&with_services(&places), &state.installed, purge)?;
            (places, plan)
        }
        None => {
            let plan = plan::install(place, &look(place)?.service, wanted, &state.installed)?;
            (vec![place.clone()], plan)
        }
    };
    let mut out = String::new();
    if state.pending.is_some() {
        out.push_str("# a change is under way: what was before it is not shown\n");
    }
    plan.kept.iter().for_each(|kept| out.push_str(&format!("# kept {kept}\n")));
    plan.lost.iter().for_each(|lost| out.push_str(&format!("# {lost}\n")));
    out.push_str(&plan.diff());
    let lines_change = plan.changes.iter().any(|change| change.path.starts_with(place::PAM));
    for place in places {
        if touches_sshd(&place, &plan.changes) || removing.is_some() && lines_change {
            out.push_str(&reload::who(&place).map_or_else(String::new, |done| done.to_foretell()));
        }
    }
    if touches_scopes(&plan.changes) {
        out.push_str("# systemctl daemon-reload\n");
    }
    match removing {
        Some(_) if !plan.is_empty() => out.push_str("# jit end --all, if a session is open\n"),
        Some(_) => {}
        None if has_complete_host_toml(&plan) => {
            units::to_start().iter().for_each(|unit| out.push_str(&format!("# systemctl start {unit}\n")));
        }
        None if units::to_start().is_empty() => {}
        None => out.push_str("# no unit is started before host.toml is complete\n"),
    }
    Ok(if out.is_empty() { "# nothing to change".to_owned() } else { out.trim_end_matches('\n').to_owned() })
}

/// Whether the units would have what they need, once `plan` is done.
fn has_complete_host_toml(plan: &Plan) -> bool {
    let path = Path::new(hostfile::DEFAULT_CONFIG);
    let planned =
        plan.changes.iter().find(|change| change.path == path).and_then(|change| change.after.as_deref());
    match planned {
        Some(bytes) => hostfile::HostConfig::parse(path, bytes).is_ok(),
        None => hostfile::HostConfig::load(path).is_ok(),
    }
}
