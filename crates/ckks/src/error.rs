//! Errors of encrypted search. They must not carry a vector, a score or a key.

use thiserror::Error as ThisError;

/// Errors of this crate.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// The operating system returned no entropy. There is no fallback.
    #[error("the operating system returned no entropy: {0}")]
    Entropy(#[from] getrandom::Error),
    /// There is no parameter set for this dimension.
    #[error("a vector has a multiple of {step} components, at most {largest}; not {actual}")]
    Dimension {
        /// Components requested.
        actual: usize,
        /// What the number must be a multiple of.
        step: usize,
        /// The largest number.
        largest: usize,
    },
    /// The modulus exceeds a security limit.
    #[error(
        "a modulus of {modulus_bits:.1} bits at ring degree {degree} exceeds the {limit_bits:.1} bits that leave 128 \
         bits of security for 2^40 blocks and queries in {table}"
    )]
    Insecure {
        /// Ring degree n.
        degree: usize,
        /// log2 q.
        modulus_bits: f64,
        /// The largest log2 q that is allowed.
        limit_bits: f64,
        /// The table or model that sets the limit.
        table: &'static str,
    },
    /// The security tables have no row for this ring degree.
    #[error("no security table has a row for ring degree {degree}")]
    UnknownDegree {
        /// Ring degree n.
        degree: usize,
    },
    /// The bytes are not a serialised context.
    #[error("not a context: {fault}")]
    NotAContext {
        /// What is wrong with them.
        fault: ContextFault,
    },
    /// The public and the secret context are for vectors of different dimensions.
    #[error("the public context is for {public} components, the secret one for {secret}")]
    ContextsDiffer {
        /// Dimension of the public context.
        public: usize,
        /// Dimension of the secret context.
        secret: usize,
    },
    /// A stored vector cannot be sealed.
    #[error("vector {position}: {fault}")]
    Vector {
        /// Index among the vectors given.
        position: usize,
        /// What is wrong with it.
        fault: VectorFault,
    },
    /// The query vector cannot be encrypted.
    #[error("query vector: {fault}")]
    Query {
        /// What is wrong with it.
        fault: VectorFault,
    },
    /// A block holds between one and `most` images.
    #[error("a block holds 1 to {most} images, not {actual}")]
    ImagesInBlock {
        /// Images in a full block.
        most: usize,
        /// Images requested.
        actual: usize,
    },
    /// Bytes of the wrong length.
    #[error("{what}: expected {expected} bytes, found {actual}")]
    Length {
        /// Which bytes.
        what: &'static str,
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        actual: usize,
    },
    /// The ciphertext is not a whole number of blocks.
    #[error("{actual} bytes are not whole blocks of {block_bytes} bytes")]
    NotWholeBlocks {
        /// Bytes of one block.
        block_bytes: usize,
        /// Bytes found.
        actual: usize,
    },
    /// A residue is not centred: its absolute value exceeds (p - 1) / 2.
    #[error("{what}: a residue is out of range")]
    Residue {
        /// Which bytes.
        what: &'static str,
    },
    /// The answer is not what an evaluator computes for this query and these blocks, or the order or the epoch given
    /// is not that of the scanned blocks. Nothing was decrypted.
    #[error("the answer was refused: it is not the result for this query and these blocks")]
    AnswerRefused,
    /// The check vectors of a group do not cover exactly the blocks that are given for it, each once. The caller's
    /// lists are inconsistent; an evaluator cannot cause it.
    #[error("the check vectors do not cover exactly these blocks, each once")]
    NotCovered,
    /// Check vectors whose scalars belong to another epoch cannot be added.
    #[error("the check vectors are of epoch {actual}, not {expected}")]
    EpochsDiffer {
        /// The epoch of those that they were to be added to.
        expected: u64,
        /// The epoch of those to be added.
        actual: u64,
    },
    /// A verified answer decrypted to scores that cannot be: the hint given for a block is not the one that was sealed
    /// with it, although hints are authenticated where they are stored, or the program has an error. An evaluator
    /// cannot cause it. A hint with few wrong words can go unnoticed.
    #[error(
        "block {block} of a verified answer decrypted to an impossible score: its hint is not the one sealed with it"
    )]
    ImpossibleScore {
        /// Index of the first such block in the answer.
        block: usize,
    },
    /// `CIPHERLENS_KERNEL` is not the name of a kernel.
    #[error("CIPHERLENS_KERNEL is {name:?}; expected one of portable, avx2, avx512, neon")]
    UnknownKernel {
        /// The name found.
        name: String,
    },
    /// `CIPHERLENS_KERNEL` names a kernel that this processor cannot run.
    #[error("CIPHERLENS_KERNEL requests {name}, which this processor cannot run")]
    UnsupportedKernel {
        /// The requested kernel.
        name: &'static str,
    },
}

/// Why bytes are not a context.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ContextFault {
    /// Wrong length.
    #[error("expected {expected} bytes, found {actual}")]
    Length {
        /// Bytes of a context.
        expected: usize,
        /// Bytes found.
        actual: usize,
    },
    /// Wrong first bytes.
    #[error("the first bytes are not those of a context")]
    Magic,
    /// A public context instead of a secret one, or the reverse.
    #[error("expected kind {expected}, found {actual}")]
    Kind {
        /// Kind expected.
        expected: u8,
        /// Kind found.
        actual: u8,
    },
    /// A format version unknown to this program.
    #[error("format version {actual}; this program reads {expected}")]
    Version {
        /// Version this program reads.
        expected: u8,
        /// Version found.
        actual: u8,
    },
}

/// Why a vector is refused.
#[derive(Clone, Copy, Debug, PartialEq, ThisError)]
#[non_exhaustive]
pub enum VectorFault {
    /// Wrong number of components.
    #[error("expected {expected} components, found {actual}")]
    Length {
        /// Components expected.
        expected: usize,
        /// Components found.
        actual: usize,
    },
    /// A component is NaN or infinite.
    #[error("component {component} is not finite")]
    NotFinite {
        /// Index of the first such component.
        component: usize,
    },
    /// The Euclidean norm is not 1.
    #[error("expected a norm of 1, found {actual}")]
    Norm {
        /// Norm found.
        actual: f64,
    },
}
