//! The security limits that every parameter set is checked against.
//!
//! The largest log2 q at ring degree 2048 with ternary secrets and errors of standard deviation 3.2, against one
//! secret:
//!
//! | 128 bits | 192 | 256 | against | source |
//! |---|---|---|---|---|
//! | 54 | 37 | 29 | classical | tables of the Homomorphic Encryption Standard 2018 |
//! | 51 | 35 | 27 | quantum | the same |
//! | 53 | 36 | 27 | classical | Security Guidelines 2024 (eprint 2024/463), Table 5.2 |
//! | 40 | 29 | 22 | quantum | search script of the same authors with its current model, ChaLoy21: 2^(0.257 beta) |
//!
//! The guidelines publish no quantum row. All blocks and queries of a collection share their reference polynomials,
//! which costs at most log2(blocks + queries) bits (a hybrid argument over the secrets). The check takes off the 40
//! bits of 2^40 blocks and queries: 128 bits must be left, so the limit is that of 168 bits. Between rows the level is
//! taken as linear in 1 / log2 q, which estimates follow within 0.3 bits; a line in log2 q would promise up to 5 bits
//! too much. `crates/ckks/security/` has an estimate of our own, and its comparison with another one.

use super::error::Error;

/// log2 of the number of blocks and queries that may share reference polynomials.
const SHARED_BITS: f64 = 40.0;

/// A published or computed table.
struct Table {
    name: &'static str,
    degree: usize,
    /// The largest log2 q for 128 and for 192 bits of security.
    largest: [f64; 2],
}

const TABLES: &[Table] = &[
    Table { name: "the Homomorphic Encryption Standard 2018, classical", degree: 2048, largest: [54.0, 37.0] },
    Table { name: "the Homomorphic Encryption Standard 2018, quantum", degree: 2048, largest: [51.0, 35.0] },
    Table {
        name: "the Security Guidelines 2024 (eprint 2024/463, Table 5.2), classical",
        degree: 2048,
        largest: [53.0, 36.0],
    },
    Table {
        name: "the quantum model ChaLoy21, 2^(0.257 beta), in the script of eprint 2024/463",
        degree: 2048,
        largest: [40.0, 29.0],
    },
];

impl Table {
    /// The largest log2 q that leaves 128 bits of security after the loss to shared reference polynomials.
    fn limit_bits(&self) -> f64 {
        let [at_128, at_192] = self.largest.map(f64::recip);
        (at_128 + (at_192 - at_128) * SHARED_BITS / (192.0 - 128.0)).recip()
    }
}

/// Checks log2 q against every table.
///
/// # Errors
/// [`Error::Insecure`] naming the strictest table that is exceeded, [`Error::UnknownDegree`].
pub(super) fn check(degree: usize, modulus_bits: f64) -> Result<(), Error> {
    let rows = TABLES.iter().filter(|table| table.degree == degree);
    let strictest = rows.min_by(|x, y| x.limit_bits().total_cmp(&y.limit_bits()));
    let strictest = strictest.ok_or(Error::UnknownDegree { degree })?;
    let limit_bits = strictest.limit_bits();
    if modulus_bits > limit_bits {
        return Err(Error::Insecure { degree, modulus_bits, limit_bits, table: strictest.name });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_model_allows_32_bits_after_the_loss() {
        check(2048, 32.3).unwrap();
        assert_eq!(
            check(2048, 32.4).unwrap_err().to_string(),
            "a modulus of 32.4 bits at ring degree 2048 exceeds the 32.3 bits that leave 128 bits of security for 2^40 \
             blocks and queries in the quantum model ChaLoy21, 2^(0.257 beta), in the script of eprint 2024/463"
        );
        // The modulus of the first engine is within the 40 bits for one secret, and exceeds this limit.
        check(2048, 39.9).unwrap_err();
    }

    #[test]
    fn a_degree_without_a_row_is_refused() {
        assert!(matches!(check(1024, 20.0), Err(Error::UnknownDegree { degree: 1024 })));
    }
}
