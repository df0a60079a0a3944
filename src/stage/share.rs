//! A share of a whole in a stage's config: a number from 0 to 1, checked where the file is read.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// One in ten.
pub(super) fn tenth() -> f64 {
    0.1
}

/// Reads a share or `null`.
pub(super) fn read_optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Option::<f64>::deserialize(from)?.map(checked).transpose()
}

fn checked<E: Error>(share: f64) -> Result<f64, E> {
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(E::custom(format!("`{share}` is no share; write a number from 0 to 1")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_share_is_from_0_to_1() {
        assert_eq!(read_optional(json!(1)).unwrap(), Some(1.0));
        assert_eq!(read_optional(json!(null)).unwrap(), None);
        assert!(read_optional(json!(1.01)).unwrap_err().to_string().contains("`1.01` is no share"));
        assert!(read_optional(json!(-0.1)).is_err());
    }
}
