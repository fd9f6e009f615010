//! The kernel's text form of a record: `audit(SECONDS.MILLIS:SERIAL): NAME=VALUE NAME=VALUE...`.
//!
//! A value that others could have chosen stands in quotes, or, when it has a byte that could be mistaken, in hex: so no
//! value has a space or a quote in it, and nothing in it can be taken for another field.

/// Which event a record belongs to, and when that began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Wall clock milliseconds.
    pub(super) time: i64,
    /// The event's number.
    pub(super) serial: u64,
}

/// Splits a record into its stamp and its fields.
pub(super) fn stamped(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let rest = text.strip_prefix(b"audit(")?;
    let end = rest.iter().position(|b| *b == b')')?;
    let (time, serial) = std::str::from_utf8(&rest[..end]).ok()?.split_once(':')?;
    let (seconds, millis) = time.split_once('.')?;
    let time = seconds.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(millis.parse().ok()?)?;
    let fields = rest.get(end + 1..)?.strip_prefix(b":")?;
    Some((Stamp { time, serial: serial.parse().ok()? }, fields))
}

/// The fields of a record, in order.
pub(super) fn fields(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let words = text.split(|b| matches!(b, b' ' | b'\n' | 0)).filter(|word| !word.is_empty());
    words.filter_map(|word| {
        let at = word.iter().position(|b| *b == b'=')?;
        Some((&word[..at], &word[at + 1..]))
    })
}

/// The first field of this name.
pub(super) fn field<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    fields(text).find(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
}

/// A decimal number.
pub(super) fn number<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A number in hex.
pub(super) fn hex(value: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(value).ok()?, 16).ok()
}

/// A text: in quotes, or its bytes in hex; `None` for `(null)` and for what is neither.
pub(super) fn text(value: &[u8]) -> Option<Vec<u8>> {
    if let Some(rest) = value.strip_prefix(b"\"") {
        return rest.strip_suffix(b"\"").map(<[u8]>::to_vec);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if !value.len().is_multiple_of(2) {
        return None;
    }
    let pairs = value.chunks_exact(2);
    pairs.map(|pair| u8::try_from(16 * digit(pair[0])? + digit(pair[1])?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_taken_apart() {
        let record = b"audit(1795544045.151:6): argc=3 a0=\"true\" a1=612062 a2=\"\"";
        let (stamp, rest) = stamped(record).unwrap();
        assert_eq!(stamp, Stamp { time: 1_795_544_045_151, serial: 6 });
        let texts: Vec<_> = fields(rest).skip(1).map(|(_, value)| text(value).unwrap()).collect();
        assert_eq!(texts, [b"true".to_vec(), b"a b".to_vec(), Vec::new()]);
        assert_eq!(number::<usize>(field(rest, "argc").unwrap()), Some(3));
    }

    #[test]
    fn what_is_no_record_is_none() {
        for text in
            [&b""[..], b"audit(", b"audit(1.2:3)", b"audit(x.1:2): a=b", b"audit(1:2): a=b", b"type=1300"]
        {
            assert_eq!(stamped(text), None, "{text:?}");
        }
        assert_eq!(text(b"(null)"), None);
        assert_eq!(text(b"\"open"), None);
        assert_eq!(text(b"4"), None);
        assert_eq!(text(b"4g"), None);
    }
}
