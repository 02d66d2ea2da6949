//! The protocol against an independent reference: schoolbook arithmetic on integers modulo q, without residues or fast
//! transforms, at full ring degree and D = 128, with the production code and layouts.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::answer::{ScannedBlock, ScannedGroup};
use super::block::SealedBlock;
use super::checks::{CheckScalars, CheckVectors};
use super::context::{Encryption, FreshSeeds, PublicContext, SecretContext};
use super::evaluator::Evaluator;
use super::kernel::Kernel;
use super::key_holder::KeyHolder;
use super::layout::words;
use super::parameters::{CHECKS, LANES, Parameters};
use super::ring::Values;
use super::sampling::Randomness;

const N: usize = 2048;
const K: usize = 32;
const FOLDS: usize = 64;
const DIMENSION: usize = 128;
const GROUPS: usize = DIMENSION / K;
const PRIMES: [i64; 2] = [61_441, 40_961];
const Q: i64 = PRIMES[0] * PRIMES[1];
const SEED: [u8; 32] = [7; 32];
const MASTER: [u8; 32] = [9; 32];
const NONCE: [u8; 32] = [3; 32];
const NOISE: [u8; 32] = [5; 32];

/// Coefficients modulo q, from 0.
type Integers = Vec<i64>;

fn power(base: i64, exponent: i64, modulus: i64) -> i64 {
    let (mut result, mut base, mut exponent) = (1, base.rem_euclid(modulus), exponent);
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent /= 2;
    }
    result
}

fn reversed(index: usize, bits: usize) -> usize {
    (0..bits).map(|bit| (index >> bit & 1) << (bits - 1 - bit)).sum()
}

/// The smallest psi with psi^n = -1.
fn root(prime: i64) -> i64 {
    (2..).find(|&psi| power(psi, N as i64, prime) == prime - 1).unwrap()
}

/// The integer modulo q with these residues.
fn joined([x, y]: [i64; 2]) -> i64 {
    let [p, r] = PRIMES;
    let digit = (x - y).rem_euclid(p) * power(r, p - 2, p) % p;
    y + r * digit
}

/// Coefficients from the values of both primes in slot order, by the inverse of the definition: c_i = (1/n) sum over
/// slots of v z^-i, with z an odd power of psi.
fn coefficients(values: [Vec<i64>; 2]) -> Integers {
    let of_prime = |prime: usize| -> Vec<i64> {
        let p = PRIMES[prime];
        let psi = root(p);
        let scale = power(N as i64, p - 2, p);
        // psi^-1 generates all inverse points; exponents are taken modulo 2n.
        let powers: Vec<i64> = (0..2 * N as i64).map(|e| power(psi, 2 * N as i64 - e, p)).collect();
        let odd: Vec<usize> = (0..N).map(|slot| 2 * reversed(slot, 11) + 1).collect();
        (0..N)
            .map(|i| {
                let terms = values[prime].iter().zip(&odd).map(|(v, odd)| v * powers[odd * i % (2 * N)]);
                terms.sum::<i64>() % p * scale % p
            })
            .collect()
    };
    of_prime(0).into_iter().zip(of_prime(1)).map(|(x, y)| joined([x.rem_euclid(PRIMES[0]), y])).collect()
}

/// A product of polynomials, schoolbook; skips zero coefficients.
fn product(x: &Integers, y: &Integers) -> Integers {
    let mut product = vec![0i128; N];
    for (i, &x) in x.iter().enumerate().filter(|(_, x)| **x != 0) {
        for (j, &y) in y.iter().enumerate() {
            let term = i128::from(x) * i128::from(y);
            product[(i + j) % N] += if i + j < N { term } else { -term };
        }
    }
    product.into_iter().map(|sum| sum.rem_euclid(i128::from(Q)) as i64).collect()
}

fn sum(polynomials: impl IntoIterator<Item = Integers>) -> Integers {
    let mut total = vec![0; N];
    for polynomial in polynomials {
        total.iter_mut().zip(polynomial).for_each(|(total, term)| *total = (*total + term).rem_euclid(Q));
    }
    total
}

fn negative(polynomial: Integers) -> Integers {
    polynomial.into_iter().map(|x| -x).collect()
}

/// Centred binomial draws by their definition.
fn noise(randomness: &mut Randomness) -> Integers {
    let mut bytes = vec![0; 6 * N];
    randomness.fill(&mut bytes);
    let word = |at: usize| u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]);
    let ones = |word: u16| i64::from(word.count_ones());
    let draw = |at: usize| {
        let third = word(2 * N + at);
        ones(word(at)) + ones(third & 0x1f) - ones(word(N + at)) - ones(third >> 5 & 0x1f)
    };
    (0..N).map(draw).collect()
}

/// Ternary draws by their definition, in portions of 768 bytes.
fn ternary(randomness: &mut Randomness) -> Integers {
    let mut drawn = Vec::new();
    while drawn.len() < N {
        let mut bytes = [0; 768];
        randomness.fill(&mut bytes);
        let pairs = bytes.iter().flat_map(|byte| (0..4).map(move |pair| byte >> (2 * pair) & 3));
        drawn.extend(pairs.filter(|&pair| pair != 3).map(|pair| i64::from(pair) - 1));
    }
    drawn.truncate(N);
    drawn
}

/// Uniform values of a reference polynomial from RFC 8439 and the rules of the format, as coefficients.
fn reference(stream: u64) -> Integers {
    let mut randomness = Randomness::from_seed(&SEED, stream);
    let mut accept = |prime: i64| -> Vec<i64> {
        let mut kept = Vec::new();
        while kept.len() < N {
            let mut bytes = [0; 128];
            randomness.fill(&mut bytes);
            kept.extend(bytes.chunks(2).map(|b| i64::from(u16::from_le_bytes([b[0], b[1]]))).filter(|&w| w < prime));
        }
        kept.truncate(N);
        kept
    };
    let first = accept(PRIMES[0]);
    coefficients([first, accept(PRIMES[1])])
}

/// The centred residues of one polynomial of an object, by the table of the layout: `[prime][slot]`.
fn unpacked(bytes: &[u8], groups: usize, group: usize, lanes: usize, lane: usize) -> [Vec<i64>; 2] {
    let all: Vec<i16> = words(bytes).collect();
    [0, 1].map(|prime| {
        let at = |slot: usize| ((((slot / K) * 2 + prime) * groups + group) * lanes + lane) * K + slot % K;
        (0..N).map(|slot| i64::from(all[at(slot)])).collect()
    })
}

fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed;
    let drawn: Vec<f64> = (0..DIMENSION)
        .map(|_| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 40) as f64 / f64::from(1 << 24) - 0.4
        })
        .collect();
    let norm = drawn.iter().map(|x| x * x).sum::<f64>().sqrt();
    drawn.into_iter().map(|x| (x / norm) as f32).collect()
}

fn fixed_holder(dimension: usize, kernel: Kernel) -> (PublicContext, KeyHolder) {
    let parameters = Parameters::for_dimension(dimension).unwrap();
    let public = PublicContext::fixed(parameters, SEED);
    let holder = KeyHolder::with_kernel(&public, SecretContext::from_master_key(parameters, &MASTER), kernel);
    (public, holder)
}

fn sealed(holder: &KeyHolder, vectors: &[Vec<f32>]) -> SealedBlock {
    let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    holder.seal_with(&vectors, &FreshSeeds { nonce: NONCE, noise: Zeroizing::new(NOISE) }).unwrap()
}

/// The coefficients of a polynomial of the program.
fn of_values(values: &Values) -> Integers {
    coefficients([0, 1].map(|prime: usize| values.residues()[prime].iter().map(|&value| i64::from(value)).collect()))
}

#[test]
fn the_protocol_agrees_with_schoolbook_integers_coefficient_for_coefficient() {
    // Images of every lane; the last ones of each are missing.
    let vectors: Vec<Vec<f32>> = (0..60).map(vector).collect();
    let query = vector(1000);
    let (_, holder) = fixed_holder(DIMENSION, Kernel::PORTABLE);
    let checked_lanes = [0, 5];
    let a =
        |lane: usize| -> Vec<Integers> { (0..GROUPS).map(|group| reference((lane * GROUPS + group) as u64)).collect() };
    let a: Vec<Vec<Integers>> = checked_lanes.into_iter().map(a).collect();
    let c: Vec<Integers> = (0..GROUPS).map(|group| reference(1 << 32 | group as u64)).collect();

    // Sealing. Noise is drawn for all lanes in order.
    let block_secret = of_values(&holder.block_secret(&holder.secret.block_seeds(&NONCE)));
    assert!(block_secret.iter().all(|&x| x <= 1 || x == Q - 1));
    let mut randomness = Randomness::from_seed(&NOISE, 0);
    let all_noise: Vec<Integers> = (0..LANES * GROUPS).map(|_| noise(&mut randomness)).collect();
    let message = |lane: usize, group: usize| {
        let mut message = vec![0; N];
        for (image, vector) in vectors.iter().enumerate().filter(|(image, _)| image % LANES == lane) {
            for j in 0..K {
                // A single-precision product, as for stored vectors.
                let scaled = (vector[group * K + j] * 13.5f32.exp2()).round_ties_even();
                message[image / LANES * K + j] = scaled as i64;
            }
        }
        message
    };
    let stored = |at: usize| -> Vec<Integers> {
        let lane = checked_lanes[at];
        let sample = |group: usize| {
            let noise = all_noise[lane * GROUPS + group].clone();
            sum([product(&block_secret, &a[at][group]), noise, message(lane, group)])
        };
        (0..GROUPS).map(sample).collect()
    };
    let stored = [stored(0), stored(1)];
    let inner = |x: &[Integers], y: &[Integers]| sum(x.iter().zip(y).map(|(x, y)| product(x, y)));
    let hints = stored.each_ref().map(|lane| inner(lane, &c));

    // The query: its secret first, then the noise of each group.
    let mut randomness = Randomness::from_seed(&NOISE, 1);
    let query_secret = ternary(&mut randomness);
    let asked: Vec<Integers> = (0..GROUPS)
        .map(|group| {
            let mut message = vec![0; N];
            for j in 0..K {
                let scaled = (f64::from(query[group * K + j]) * 16.5f64.exp2() + 0.5).floor() as i64;
                // X^-j = -X^(n-j)
                message[(N - j) % N] = if j == 0 { scaled } else { -scaled };
            }
            sum([product(&query_secret, &c[group]), noise(&mut randomness), message])
        })
        .collect();

    // Evaluation and decryption.
    let evaluated = stored.each_ref().map(|lane| inner(lane, &asked));
    let decrypted: [Integers; 2] = std::array::from_fn(|at| {
        let constant = inner(&a[at], &c);
        let offset = sum([inner(&a[at], &asked), negative(product(&query_secret, &constant))]);
        sum([
            evaluated[at].clone(),
            negative(product(&query_secret, &hints[at])),
            negative(product(&block_secret, &offset)),
        ])
    });

    for kernel in Kernel::supported() {
        let (public, holder) = fixed_holder(DIMENSION, kernel);
        let block = sealed(&holder, &vectors);
        let mask = holder.prepare_with(&mut Randomness::from_seed(&NOISE, 1));
        let (encrypted, secret) = holder.encrypt(mask, &query).unwrap();
        for group in 0..GROUPS {
            for (at, lane) in checked_lanes.into_iter().enumerate() {
                let found = coefficients(unpacked(block.ciphertext(), GROUPS, group, LANES, lane));
                assert!(found == stored[at][group], "{} lane {lane} group {group}", kernel.name());
            }
            assert!(coefficients(unpacked(encrypted.as_bytes(), GROUPS, group, 1, 0)) == asked[group]);
        }
        for (at, lane) in checked_lanes.into_iter().enumerate() {
            assert!(coefficients(unpacked(block.hint(), 1, 0, LANES, lane)) == hints[at], "hint of lane {lane}");
        }

        // Folding: the value at psi_S^(2 brv(k) + 1) of the polynomial of the coefficients iK, times K.
        let answer = Evaluator::with_kernel(&public, kernel).score(block.ciphertext(), &encrypted).unwrap();
        let residues: Vec<i16> = words(&answer).collect();
        for fold in 0..FOLDS {
            for (prime, p) in PRIMES.into_iter().enumerate() {
                let point = power(power(root(p), K as i64, p), 2 * reversed(fold, 6) as i64 + 1, p);
                for (at, lane) in checked_lanes.into_iter().enumerate() {
                    let terms = (0..FOLDS).map(|i| evaluated[at][i * K] % p * power(point, i as i64, p) % p);
                    let expected = terms.sum::<i64>() % p * K as i64 % p;
                    let found = i64::from(residues[(fold * 2 + prime) * LANES + lane]);
                    assert_eq!(found.rem_euclid(p), expected, "fold {fold} lane {lane}");
                }
            }
        }

        let mut checks = CheckVectors::empty(holder.parameters(), 0);
        checks.add_sealed(&holder, &block).unwrap();
        let group = ScannedGroup { checks: &checks, blocks: &[ScannedBlock::from(&block)] };
        let scores = secret.verify(&holder, &[group], &answer).unwrap().decrypt().unwrap();
        assert_eq!(scores.len(), vectors.len());
        for (image, score) in scores.iter().enumerate() {
            let Some(at) = checked_lanes.iter().position(|&lane| lane == image % LANES) else { continue };
            let exact = decrypted[at][image / LANES * K];
            let centred = if exact > Q / 2 { exact - Q } else { exact };
            // A score is a single-precision number.
            assert!((f64::from(*score) * 30f64.exp2() - centred as f64).abs() <= 64.0, "image {image}");
        }
    }
}

#[test]
fn check_vectors_are_weighted_sums_of_blocks() {
    let (_, holder) = fixed_holder(DIMENSION, Kernel::detect());
    let block = sealed(&holder, &[vector(1), vector(2)]);
    for epoch in [0, 1] {
        let scalars = CheckScalars::draw(&holder.secret.block_seeds(&NONCE), epoch);
        let mut checks = CheckVectors::empty(holder.parameters(), epoch);
        checks.add_sealed(&holder, &block).unwrap();
        for group in 0..GROUPS {
            let lanes: Vec<_> =
                (0..LANES).map(|lane| unpacked(block.ciphertext(), GROUPS, group, LANES, lane)).collect();
            for check in 0..CHECKS {
                let found = unpacked(checks.as_bytes(), GROUPS, group, CHECKS, check);
                for (prime, p) in PRIMES.into_iter().enumerate() {
                    let weights = scalars.of_prime(prime)[check];
                    assert!(weights.iter().all(|&r| r != 0 && i64::from(r) < p));
                    for slot in 0..N {
                        let weighted = lanes.iter().zip(weights).map(|(lane, r)| lane[prime][slot] * i64::from(r));
                        assert_eq!(weighted.sum::<i64>().rem_euclid(p), found[prime][slot].rem_euclid(p));
                    }
                }
            }
        }
    }
}

#[test]
fn check_scalars_change_with_the_epoch_and_the_block() {
    let (_, holder) = fixed_holder(DIMENSION, Kernel::detect());
    let draw = |nonce: &[u8; 32], epoch: u64| {
        let scalars = CheckScalars::draw(&holder.secret.block_seeds(nonce), epoch);
        [*scalars.of_prime(0), *scalars.of_prime(1)]
    };
    assert_eq!(draw(&NONCE, 0), draw(&NONCE, 0));
    assert_ne!(draw(&NONCE, 0), draw(&NONCE, 1));
    assert_ne!(draw(&NONCE, 0), draw(&[4; 32], 0));
    let [[first, second], _] = draw(&NONCE, 0);
    assert_ne!(first, second);
}

#[test]
fn repeated_entropy_gives_the_same_seeds_for_the_same_vectors_only() {
    let secret = SecretContext::from_master_key(Parameters::for_dimension(DIMENSION).unwrap(), &MASTER);
    let other = SecretContext::from_master_key(Parameters::for_dimension(DIMENSION).unwrap(), &[8; 32]);
    let seeds = |secret: &SecretContext, kind: Encryption, message: &[u8]| {
        let seeds = secret.hedged_seeds_from(&[1; 32], kind, message);
        (seeds.nonce, *seeds.noise)
    };
    let reference = seeds(&secret, Encryption::Block, b"vectors");
    assert_eq!(reference, seeds(&secret, Encryption::Block, b"vectors"));
    for (nonce, noise) in [
        seeds(&secret, Encryption::Block, b"vectorz"),
        seeds(&secret, Encryption::Block, b""),
        seeds(&secret, Encryption::Query, b"vectors"),
        seeds(&other, Encryption::Block, b"vectors"),
    ] {
        assert!(nonce != reference.0 && noise != reference.1);
    }
    assert_ne!(reference.0, reference.1);
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Components that are exact in binary, so that nothing depends on how a norm was computed.
fn exact_vectors(dimension: usize) -> Vec<Vec<f32>> {
    let vector = |image: usize| {
        let mut vector = vec![0.0; dimension];
        (0..16).for_each(|at| vector[(image * 131 + at * 97) % dimension] = if at % 3 == 0 { -0.25 } else { 0.25 });
        vector
    };
    (0..65).map(vector).collect()
}

#[test]
fn sealed_blocks_and_check_vectors_are_pinned_at_every_dimension() {
    for (dimension, block_digest, hint_digest, checks_digest) in [
        (
            128,
            "9bdfeb2946acd1b436d441fa0176ed2a42da23fb169df2e14579497025b6172a",
            "3eb5e4f0983e06d534d3b9ab4d50a53fdb79b3f8da2acb43ae712e060ae1fac8",
            "fa1c52bf4bbd64d583d6b5a29b7e78c42c3d258be0a2fd4b31b7a18879743329",
        ),
        (
            256,
            "ae11c5116a39cdfc34b2a3c26dabd077374f3827b757d36474f4085081b47423",
            "d3140a4df2be26b7c8b3d3f437ffbc4362c8dd73ad419b2094e6a072fefd2a7f",
            "f53db8e4c0864fdd272eff866023ebb9acbdb8c7fd8447fb22ff3121db12c19c",
        ),
        (
            512,
            "4e97511afa6ab57203583b281de9c8fa9164462b8a124a10a5cca942d991f6de",
            "098f0508062ceca9b5007805ed85ee046bce154ea715330ed37724796097b101",
            "275ee1fc91f9e20e013bc5afb0e6fe6dfefdcc2a0017eb6c131eccb91983f200",
        ),
        (
            2048,
            "f7273e4f5857c3031875e7e1fc8e976e784628662393411b7be155275f698753",
            "cbb46fc5a96bd48e08859b68a649a86e1f689af0772a556377bd104353ce3fef",
            "bf7adb8190c03ddb0e153e716dcd2423dcd333f8aeb67ca37c5cb1455804eaaa",
        ),
    ] {
        for kernel in Kernel::supported() {
            let (_, holder) = fixed_holder(dimension, kernel);
            let block = sealed(&holder, &exact_vectors(dimension));
            let mut checks = CheckVectors::empty(holder.parameters(), 7);
            checks.add_sealed(&holder, &block).unwrap();
            let found = [digest(block.ciphertext()), digest(block.hint()), digest(&checks.to_bytes())];
            assert_eq!(found, [block_digest, hint_digest, checks_digest], "{dimension}, {}", kernel.name());
        }
    }
}

#[test]
fn secrets_cannot_be_printed_copied_or_compared() {
    use static_assertions::assert_not_impl_any;
    assert_not_impl_any!(SecretContext: std::fmt::Debug, Clone, PartialEq);
    assert_not_impl_any!(KeyHolder: std::fmt::Debug, Clone, PartialEq);
    assert_not_impl_any!(CheckVectors: std::fmt::Debug, Clone, PartialEq);
    assert_not_impl_any!(CheckScalars: std::fmt::Debug, Clone, PartialEq);
    assert_not_impl_any!(super::context::BlockSeeds: std::fmt::Debug, Clone, PartialEq);
    assert_not_impl_any!(super::query::OneTimeMask: std::fmt::Debug, Clone, PartialEq);
    assert_not_impl_any!(super::query::QuerySecret: std::fmt::Debug, Clone, PartialEq);
    assert_not_impl_any!(super::answer::VerifiedAnswer<'static>: std::fmt::Debug, Clone, PartialEq);
    assert_not_impl_any!(Values: std::fmt::Debug, Clone, PartialEq);
}

#[test]
fn contexts_are_read_back_only_from_their_own_bytes() {
    use super::error::{ContextFault, Error};
    let set = Parameters::for_dimension(512).unwrap();
    let public = PublicContext::fixed(set, SEED);
    let bytes = public.to_bytes();
    assert_eq!(bytes, [&b"CLCK\x01\x02\x00\x02"[..], &SEED].concat());
    assert_eq!(PublicContext::from_bytes(&bytes).unwrap(), public);
    let secret = SecretContext::from_master_key(set, &MASTER).to_bytes();
    assert_eq!(*secret, [&b"CLCK\x02\x02\x00\x02"[..], &MASTER].concat());
    assert_eq!(SecretContext::from_bytes(&secret).unwrap().to_bytes(), secret);

    let fault = |bytes: &[u8]| match PublicContext::from_bytes(bytes) {
        Err(Error::NotAContext { fault }) => fault,
        _ => panic!("these bytes are a context"),
    };
    let altered = |at: usize, to: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = to;
        bytes
    };
    assert!(matches!(fault(&bytes[1..]), ContextFault::Length { expected: 40, actual: 39 }));
    assert!(matches!(fault(&altered(0, b'x')), ContextFault::Magic));
    // One of the first engine.
    assert!(matches!(fault(&altered(5, 1)), ContextFault::Version { expected: 2, actual: 1 }));
    assert!(matches!(fault(&secret), ContextFault::Kind { expected: 1, actual: 2 }));
    assert!(matches!(SecretContext::from_bytes(&bytes), Err(Error::NotAContext { .. })));
    assert!(matches!(PublicContext::from_bytes(&altered(6, 1)), Err(Error::Dimension { actual: 513, .. })));
}

#[test]
fn check_vectors_are_read_back_only_from_their_own_bytes() {
    use super::error::Error;
    let (_, holder) = fixed_holder(DIMENSION, Kernel::detect());
    let set = holder.parameters();
    let block = sealed(&holder, &[vector(1)]);
    let mut checks = CheckVectors::empty(set, 5);
    checks.add_sealed(&holder, &block).unwrap();
    let bytes = checks.to_bytes();
    let read = CheckVectors::from_bytes(set, &bytes).unwrap();
    assert_eq!((read.epoch(), read.to_bytes()), (5, bytes.clone()));
    for length in [0, 31, 32, bytes.len() - 1] {
        assert!(matches!(CheckVectors::from_bytes(set, &bytes[..length]), Err(Error::Length { .. })));
    }
    let mut altered = bytes.to_vec();
    altered[32..34].copy_from_slice(&30_721i16.to_le_bytes());
    assert!(matches!(CheckVectors::from_bytes(set, &altered), Err(Error::Residue { .. })));
    // Subtracting what was added leaves nothing.
    checks.subtract(&holder, block.nonce(), block.ciphertext()).unwrap();
    assert_eq!(checks.to_bytes(), CheckVectors::empty(set, 5).to_bytes());
    assert!(matches!(checks.add(&holder, &NONCE, &block.ciphertext()[1..]), Err(Error::Length { .. })));
    let mut damaged = block.ciphertext().to_vec();
    damaged[..2].copy_from_slice(&i16::MIN.to_le_bytes());
    assert!(matches!(checks.add(&holder, &NONCE, &damaged), Err(Error::Residue { .. })));
}

#[test]
fn merged_check_vectors_are_those_of_all_blocks() {
    use super::error::Error;
    for dimension in [DIMENSION, 512] {
        let (_, holder) = fixed_holder(dimension, Kernel::detect());
        let mut unit = vec![0.0; dimension];
        unit[1] = 1.0;
        let blocks: Vec<SealedBlock> = (0..3).map(|_| holder.seal(&[&unit]).unwrap()).collect();
        let of = |blocks: &[SealedBlock], epoch| {
            let mut checks = CheckVectors::empty(holder.parameters(), epoch);
            blocks.iter().for_each(|block| checks.add_sealed(&holder, block).unwrap());
            checks
        };
        let mut merged = CheckVectors::empty(holder.parameters(), 3);
        merged.merge(&of(&blocks[..1], 3)).unwrap();
        merged.merge(&of(&blocks[1..], 3)).unwrap();
        let all = of(&blocks, 3).to_bytes();
        assert_eq!(merged.to_bytes(), all);
        let another_epoch = merged.merge(&of(&blocks, 4)).unwrap_err();
        assert!(matches!(another_epoch, Error::EpochsDiffer { expected: 3, actual: 4 }), "{another_epoch}");
        let another_dimension = CheckVectors::empty(&Parameters::for_dimension(256).unwrap(), 3);
        assert!(matches!(merged.merge(&another_dimension), Err(Error::Length { what: "check vectors", .. })));
        assert_eq!(merged.to_bytes(), all, "a refused merge changes nothing");
    }
}
