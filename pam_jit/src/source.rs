//! Where a connection comes from: the first field of `SSH_CONNECTION`.
//!
//! Never `PAM_RHOST`, which may be a name that the other side's DNS chose. sshd writes four fields, numeric address
//! and port of both ends; anything else is not believed.

use std::net::IpAddr;

/// The client's address in a value such as `192.0.2.7 50512 192.0.2.1 22`.
///
/// An IPv4 address mapped into IPv6 is that IPv4 address; the zone of a link-local address is dropped, because
/// grants name networks without zones.
pub(crate) fn address(connection: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(connection).ok()?;
    let fields: Vec<&str> = text.split(' ').collect();
    let [client, client_port, server, server_port] = fields.as_slice() else { return None };
    for port in [client_port, server_port] {
        port.parse::<u16>().ok()?;
    }
    ip(server)?;
    ip(client)
}

fn ip(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((address, zone)) if address.contains(':') && !zone.is_empty() => address,
        Some(_) => return None,
        None => text,
    };
    address.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_is_the_address() {
        for (connection, expected) in [
            ("192.0.2.7 50512 198.51.100.1 22", "192.0.2.7"),
            ("2001:db8::7 50512 2001:db8::1 22", "2001:db8::7"),
            ("::ffff:192.0.2.7 50512 ::ffff:198.51.100.1 22", "192.0.2.7"),
            ("fe80::7%eth0 50512 fe80::1%eth0 22", "fe80::7"),
        ] {
            assert_eq!(address(connection.as_bytes()), Some(expected.parse().unwrap()), "{connection}");
        }
    }

    #[test]
    fn what_sshd_does_not_write_is_not_believed() {
        for connection in [
            "",
            "192.0.2.7",
            "192.0.2.7 50512 198.51.100.1",
            "192.0.2.7 50512 198.51.100.1 22 x",
            "192.0.2.7  50512 198.51.100.1 22",
            " 192.0.2.7 50512 198.51.100.1 22",
            "vendor.example 50512 198.51.100.1 22",
            "UNKNOWN 65535 UNKNOWN 65535",
            "192.0.2.7 x 198.51.100.1 22",
            "192.0.2.7 50512 198.51.100.1 65536",
            "192.0.2.07 50512 198.51.100.1 22",
            "192.0.2.7%eth0 50512 198.51.100.1 22",
            "192.0.2.7/24 50512 198.51.100.1 22",
            "192.0.2.7\n50512 198.51.100.1 22",
        ] {
            assert_eq!(address(connection.as_bytes()), None, "{connection:?}");
        }
        assert_eq!(address(b"192.0.2.7\xff 50512 198.51.100.1 22"), None);
    }
}
