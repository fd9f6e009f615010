//! An OpenSSH certificate (PROTOCOL.certkeys) that can be wrong in every field.

use crate::support::soft_key::Key;
use crate::support::wire::Wire;

/// The type of a user certificate.
pub(crate) const USER: u32 = 1;
/// The type of a host certificate.
pub(crate) const HOST: u32 = 2;

/// The fields of a certificate, in their order.
#[derive(Clone)]
pub(crate) struct RawCertificate {
    pub(crate) algorithm: String,
    pub(crate) nonce: Vec<u8>,
    /// The certified key, without its algorithm.
    pub(crate) key: Vec<u8>,
    pub(crate) serial: u64,
    pub(crate) kind: u32,
    pub(crate) key_id: String,
    pub(crate) principals: Vec<String>,
    pub(crate) valid_after: u64,
    pub(crate) valid_before: u64,
    /// Names and their data as it stands: a text is a string within the string.
    pub(crate) critical_options: Vec<(String, Vec<u8>)>,
    pub(crate) extensions: Vec<(String, Vec<u8>)>,
    pub(crate) reserved: Vec<u8>,
}

/// The data of an option that holds a text.
pub(crate) fn text(value: impl AsRef<[u8]>) -> Vec<u8> {
    Wire::new().string(value).done()
}

fn options(list: &[(String, Vec<u8>)]) -> Vec<u8> {
    list.iter().fold(Wire::new(), |wire, (name, data)| wire.string(name).string(data)).done()
}

impl RawCertificate {
    /// The certificate algorithm of a key algorithm: `-cert-v01@openssh.com` takes the domain's place.
    pub(crate) fn algorithm_of(key: &dyn Key) -> String {
        format!("{}-cert-v01@openssh.com", key.algorithm().trim_end_matches("@openssh.com"))
    }

    /// Everything that the CA signs.
    pub(crate) fn signed_part(&self, ca: &dyn Key) -> Vec<u8> {
        let principals = self.principals.iter().fold(Wire::new(), Wire::string).done();
        Wire::new()
            .string(&self.algorithm)
            .string(&self.nonce)
            .raw(&self.key)
            .u64(self.serial)
            .u32(self.kind)
            .string(&self.key_id)
            .string(principals)
            .u64(self.valid_after)
            .u64(self.valid_before)
            .string(options(&self.critical_options))
            .string(options(&self.extensions))
            .string(&self.reserved)
            .string(ca.blob())
            .done()
    }

    /// The blob, signed by `ca`.
    pub(crate) fn signed_by(&self, ca: &dyn Key) -> Vec<u8> {
        let signed = self.signed_part(ca);
        let signature = ca.sign(&signed);
        Wire::new().raw(&signed).string(signature).done()
    }

    /// The data of an extension, to be changed.
    pub(crate) fn extension(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.extensions.iter_mut().find(|(has, _)| has == name);
        &mut found.unwrap_or_else(|| panic!("no extension {name}")).1
    }

    /// Puts an extension where the order wants it; one of the same name stands before it.
    pub(crate) fn add_extension(&mut self, name: &str, data: Vec<u8>) {
        self.extensions.push((name.to_owned(), data));
        self.extensions.sort_by(|(a, _), (b, _)| a.cmp(b));
    }

    pub(crate) fn remove_extension(&mut self, name: &str) {
        self.extensions.retain(|(has, _)| has != name);
    }
}
