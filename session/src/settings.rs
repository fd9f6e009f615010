//! The recorder's settings from the host's configuration.

use std::sync::Arc;

use hostfile::{HostConfig, KernelCopySource, LogFormat, RecorderConfig};

use crate::kernel_copy::Wanted;
use crate::recorder::{OnAuditFailure, Settings};
use crate::shipper::{Bell, Format, Shipper, Target};
use crate::spool::Limits;

/// The settings for the table `[recorder]` of a configuration.
#[must_use]
pub fn settings(host: &HostConfig, recorder: &RecorderConfig) -> Settings {
    Settings {
        host: host.host.to_string(),
        config: host.path.clone(),
        socket: recorder.socket.clone(),
        runtime: recorder.runtime.clone(),
        state: recorder.state.clone(),
        spool: recorder.state.join("spool"),
        limits: Limits { segment: recorder.segment, total: recorder.total },
        session_quota: recorder.session,
        on_audit_failure: if recorder.stop_on_audit_failure {
            OnAuditFailure::Stop
        } else {
            OnAuditFailure::Continue
        },
        kernel_copy: match recorder.kernel_copy {
            KernelCopySource::Auto => Wanted::Auto,
            KernelCopySource::Bpf => Wanted::Bpf,
            KernelCopySource::Audit => Wanted::Audit,
            KernelCopySource::None => Wanted::Nothing,
        },
        require_kernel_copy: recorder.require_kernel_copy,
        maximum_session: recorder.maximum_session,
        shared_accounts: recorder.shared_accounts,
    }
}

/// What ships the spool to where `[log]` says.
#[must_use]
pub fn shipper(host: &HostConfig, settings: &Settings, bell: Arc<Bell>) -> Shipper {
    let enterprise = host.log.enterprise;
    let target = match &host.log.tcp {
        Some(address) => Target::Tcp { address: address.clone(), enterprise, connection: None },
        None => Target::Socket {
            path: host.log.socket.clone(),
            format: if host.log.format == LogFormat::Cee { Format::Cee } else { Format::Rfc5424 },
            enterprise,
            connection: None,
        },
    };
    Shipper::new(&settings.spool, settings.state.join("shipped.json"), target, bell)
}
