//! The protocol against an independent reference: schoolbook arithmetic on integers modulo q, without residues or fast
//! transforms, at ring degree 256 with the production code and layouts.

use sha2::{Digest, Sha256};

use super::answer::ScannedBlock;
use super::block::SealedBlock;
use super::context::{PublicContext, SecretContext};
use super::evaluator::Evaluator;
use super::key_holder::KeyHolder;
use super::layout::{ROW_BYTES, unpack_row};
use super::packing::unpack_polynomial;
use super::parameters::{LANES, Parameters};
use super::ring::Polynomial;
use super::sampling::Randomness;
use super::scan::Kernel;

const SMALL: Parameters = Parameters::SMALL;
const N: usize = 256;
const K: usize = 32;
const GROUPS: usize = 8;
const FOLDS: usize = 8;
const PRIMES: [i128; 2] = [1_032_193, 995_329];
const Q: i128 = PRIMES[0] * PRIMES[1];
const SEED: [u8; 32] = [7; 32];
const MASTER: [u8; 32] = [9; 32];
const NONCE: [u8; 32] = [3; 32];
const NOISE: [u8; 32] = [5; 32];

/// Coefficients modulo q.
type Integers = Vec<i128>;

fn power(base: i128, exponent: i128, modulus: i128) -> i128 {
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

fn reversed(index: usize, bits: usize) -> i128 {
    (0..bits).map(|bit| (index as i128 >> bit & 1) << (bits - 1 - bit)).sum()
}

/// The smallest psi with psi^size = -1.
fn root(size: i128, prime: i128) -> i128 {
    (2..).find(|&psi| power(psi, size, prime) == prime - 1).unwrap()
}

/// The integer modulo q with these residues.
fn joined(residues: [i128; 2]) -> i128 {
    let [p, r] = PRIMES;
    (residues[0] * r % Q * power(r, p - 2, p) + residues[1] * p % Q * power(p, r - 2, r)).rem_euclid(Q)
}

/// Coefficients from values in slot order, by the inverse of the definition.
fn coefficients(values: [&[u32]; 2]) -> Integers {
    let inverse = |prime: usize| -> Vec<i128> {
        let p = PRIMES[prime];
        let psi = root(N as i128, p);
        let scale = power(N as i128, p - 2, p);
        let points: Vec<i128> = (0..N).map(|slot| power(psi, 2 * reversed(slot, 8) + 1, p)).collect();
        let back: Vec<i128> = points.iter().map(|&z| power(z, p - 2, p)).collect();
        let mut terms: Vec<i128> = values[prime].iter().map(|&value| i128::from(value)).collect();
        (0..N)
            .map(|_| {
                let coefficient = terms.iter().sum::<i128>() % p * scale % p;
                terms.iter_mut().zip(&back).for_each(|(term, z)| *term = *term * z % p);
                coefficient
            })
            .collect()
    };
    inverse(0).into_iter().zip(inverse(1)).map(|(x, y)| joined([x, y])).collect()
}

fn product(x: &Integers, y: &Integers) -> Integers {
    let mut product = vec![0; N];
    for (i, &x) in x.iter().enumerate() {
        for (j, &y) in y.iter().enumerate() {
            let term = x * y % Q;
            product[(i + j) % N] += if i + j < N { term } else { -term };
        }
    }
    product.into_iter().map(|sum: i128| sum.rem_euclid(Q)).collect()
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

fn noise(randomness: &mut Randomness) -> Integers {
    let mut bytes = vec![0; 8 * N];
    randomness.fill(&mut bytes);
    let ones = |word: u64, from: u32| i128::from((word >> from & 0x1f_ffff).count_ones());
    bytes
        .chunks(8)
        .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
        .map(|word| ones(word, 0) - ones(word, 21))
        .collect()
}

fn ternary(randomness: &mut Randomness) -> Integers {
    let mut drawn = vec![0; N];
    randomness.fill_ternary(&mut drawn);
    drawn.into_iter().map(i128::from).collect()
}

fn packed(bytes: &[u8], lanes: usize, lane: usize, group: usize) -> Integers {
    let mut polynomial = Polynomial::zero(&SMALL);
    unpack_polynomial(&SMALL, bytes, lanes, lane, group, &mut polynomial);
    coefficients(polynomial.residues())
}

fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed;
    let drawn: Vec<f64> = (0..N)
        .map(|_| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 40) as f64 / f64::from(1 << 24) - 0.4
        })
        .collect();
    let norm = drawn.iter().map(|x| x * x).sum::<f64>().sqrt();
    drawn.into_iter().map(|x| (x / norm) as f32).collect()
}

fn small_holder(kernel: Kernel) -> (PublicContext, KeyHolder) {
    let public = PublicContext::fixed(SMALL, SEED);
    let holder = KeyHolder::with_kernel(&public, SecretContext::fixed(SMALL, MASTER), kernel);
    (public, holder)
}

fn sealed(holder: &KeyHolder, vectors: &[Vec<f32>]) -> SealedBlock {
    let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    holder.seal_with(&vectors, NONCE, &mut Randomness::from_seed(&NOISE, 0)).unwrap()
}

#[test]
fn the_protocol_agrees_with_schoolbook_integers_coefficient_for_coefficient() {
    let vectors: Vec<Vec<f32>> = (0..60).map(vector).collect();
    let query = vector(1000);
    let (_, holder) = small_holder(Kernel::PORTABLE);
    let a: Vec<Vec<Integers>> = (0..LANES)
        .map(|lane| (0..GROUPS).map(|group| packed(&holder.references.stored, LANES, lane, group)).collect())
        .collect();
    let c: Vec<Integers> = (0..GROUPS).map(|group| packed(&holder.references.query, 1, 0, group)).collect();

    // Sealing.
    let block_secret = coefficients(holder.secret.block_secret(&holder.ring, &NONCE).values());
    assert!(block_secret.iter().all(|&x| x <= 1 || x == Q - 1));
    let mut randomness = Randomness::from_seed(&NOISE, 0);
    let stored: Vec<Vec<Integers>> = (0..LANES)
        .map(|lane| {
            (0..GROUPS)
                .map(|group| {
                    let mut message = vec![0; N];
                    for image in 0..FOLDS {
                        for j in 0..K {
                            let x = vectors.get(lane * FOLDS + image).map_or(0.0, |x| x[group * K + j]);
                            // A single-precision product, as for stored vectors.
                            message[image * K + j] = (x * 17.5f32.exp2()).round_ties_even() as i128;
                        }
                    }
                    sum([product(&a[lane][group], &block_secret), noise(&mut randomness), message])
                })
                .collect()
        })
        .collect();
    let hints: Vec<Integers> = stored.iter().map(|lane| sum(lane.iter().zip(&c).map(|(b, c)| product(b, c)))).collect();

    // The query.
    let mut randomness = Randomness::from_seed(&NOISE, 1);
    let query_secret = ternary(&mut randomness);
    let asked: Vec<Integers> = (0..GROUPS)
        .map(|group| {
            let mut message = vec![0; N];
            for j in 0..K {
                let scaled = (f64::from(query[group * K + j]) * 20.5f64.exp2()).round() as i128;
                // X^-j = -X^(n-j)
                message[(N - j) % N] = if j == 0 { scaled } else { -scaled };
            }
            sum([product(&c[group], &query_secret), noise(&mut randomness), message])
        })
        .collect();

    // Evaluation and decryption.
    let inner = |x: &[Integers], y: &[Integers]| sum(x.iter().zip(y).map(|(x, y)| product(x, y)));
    let constant = |lane: usize| inner(&a[lane], &c);
    let evaluated: Vec<Integers> = stored.iter().map(|lane| inner(lane, &asked)).collect();
    let decrypted: Vec<Integers> = (0..LANES)
        .map(|lane| {
            let offset = sum([inner(&a[lane], &asked), negative(product(&query_secret, &constant(lane)))]);
            sum([
                evaluated[lane].clone(),
                negative(product(&query_secret, &hints[lane])),
                negative(product(&block_secret, &offset)),
            ])
        })
        .collect();

    for kernel in Kernel::supported() {
        let (public, holder) = small_holder(kernel);
        let block = sealed(&holder, &vectors);
        let mask = holder.prepare_with(&mut Randomness::from_seed(&NOISE, 1));
        let (encrypted, secret) = holder.encrypt(mask, &query).unwrap();
        for group in 0..GROUPS {
            for (lane, stored) in stored.iter().enumerate() {
                assert_eq!(packed(block.ciphertext(), LANES, lane, group), stored[group], "{lane} {group}");
            }
            assert_eq!(packed(encrypted.as_bytes(), 1, 0, group), asked[group]);
        }
        for (hint, expected) in block.hint().chunks(N * 5).zip(&hints) {
            let rows = hint.as_chunks::<ROW_BYTES>().0;
            let residues = |prime: usize| rows.iter().flat_map(|row| unpack_row(row)[prime]).collect::<Vec<u32>>();
            assert_eq!(coefficients([&residues(0), &residues(1)]), *expected);
        }

        // Folding: the value at psi_S^(2 brv(k) + 1) of the polynomial of the coefficients iK, times K.
        let answer = Evaluator::with_kernel(&public, kernel).score(block.ciphertext(), &encrypted).unwrap();
        for (at, bytes) in answer.chunks(5).enumerate() {
            let (lane, fold) = (at / FOLDS, at % FOLDS);
            let word = bytes.iter().rev().fold(0, |word, &byte| word << 8 | i128::from(byte));
            for (prime, found) in PRIMES.into_iter().zip([word & 0xf_ffff, word >> 20]) {
                let point = power(power(root(N as i128, prime), K as i128, prime), 2 * reversed(fold, 3) + 1, prime);
                let terms = (0..FOLDS).map(|i| evaluated[lane][i * K] % prime * power(point, i as i128, prime));
                assert_eq!(found, terms.sum::<i128>() % prime * K as i128 % prime, "{lane} {fold}");
            }
        }

        let scanned = ScannedBlock { nonce: block.nonce(), hint: block.hint(), images: block.images() };
        let scores = secret.decrypt_exact(&holder, [scanned], &answer).unwrap();
        assert_eq!(scores.len(), vectors.len());
        for (image, (score, vector)) in scores.iter().zip(&vectors).enumerate() {
            let exact = decrypted[image / FOLDS][image % FOLDS * K];
            let centred = if exact > Q / 2 { exact - Q } else { exact };
            assert_eq!((score * 38f64.exp2()).round() as i128, centred, "image {image}");
            let plain: f64 = vector.iter().zip(&query).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            assert!((score - plain).abs() < 2e-4);
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn reference_polynomials_are_pinned() {
    // Computed independently of this program, from RFC 8439 and the layout.
    let public = PublicContext::fixed(Parameters::V1, SEED);
    let holder = KeyHolder::with_kernel(&public, SecretContext::fixed(Parameters::V1, MASTER), Kernel::detect());
    let check = |bytes: &[u8], lanes: usize, lane: usize, group: usize, expected: &str| {
        let mut polynomial = Polynomial::zero(&Parameters::V1);
        unpack_polynomial(&Parameters::V1, bytes, lanes, lane, group, &mut polynomial);
        let [first, second] = polynomial.residues();
        let words = first.iter().zip(second).map(|(&x, &y)| u64::from(x) | u64::from(y) << 20);
        assert_eq!(
            digest(&words.flat_map(|word| word.to_le_bytes().into_iter().take(5)).collect::<Vec<u8>>()),
            expected
        );
    };
    check(&holder.references.stored, LANES, 0, 0, "f65fd5baf54b581eacb2cca455ca9accbeaff89cdbb02950ed8ccf6daae8392e");
    check(&holder.references.stored, LANES, 7, 63, "acd1a5fb6713df957355334e4e6f38ac04042d1aa0470eea0277bf132269205a");
    check(&holder.references.query, 1, 0, 63, "80b3a7c925148237289aa8e7fa882b1b61a9b233cd5555a22ab12afe015a2849");
}

#[test]
fn a_sealed_block_is_pinned() {
    for kernel in Kernel::supported() {
        let public = PublicContext::fixed(Parameters::V1, SEED);
        let holder = KeyHolder::with_kernel(&public, SecretContext::fixed(Parameters::V1, MASTER), kernel);
        // Components that are exact in binary, so that nothing depends on how a norm was computed.
        let vectors: Vec<Vec<f32>> = (0..65)
            .map(|image| {
                let mut vector = vec![0.0; 2048];
                (0..16).for_each(|at| vector[(image * 131 + at * 97) % 2048] = if at % 3 == 0 { -0.25 } else { 0.25 });
                vector
            })
            .collect();
        let block = sealed(&holder, &vectors);
        assert_eq!(
            digest(block.ciphertext()),
            "c85603efe0b239f6f1e1569bcdddf850bf1c29de955240220a02f1c97ab24f2f",
            "{}",
            kernel.name()
        );
        assert_eq!(
            digest(block.hint()),
            "13b2c0c9fc95697a7274c577905d06a6e974d7a05fcafa841e3c3402fb332f58",
            "{}",
            kernel.name()
        );
    }
}

#[test]
fn block_secrets_are_pinned() {
    // Computed independently of this program, from RFC 5869 and RFC 8439.
    let secret = SecretContext::fixed(Parameters::SMALL, MASTER);
    let (_, holder) = small_holder(Kernel::detect());
    let drawn = coefficients(secret.block_secret(&holder.ring, &NONCE).values());
    let first: Vec<i128> = drawn.into_iter().take(12).map(|x| if x == Q - 1 { -1 } else { x }).collect();
    assert_eq!(first, [0, 1, 0, 1, 0, 1, -1, -1, 0, -1, 0, 1]);
}

#[test]
fn contexts_are_read_back_only_from_their_own_bytes() {
    use super::error::{ContextFault, Error};
    let public = PublicContext::fixed(Parameters::V1, SEED);
    let bytes = public.to_bytes();
    assert_eq!(bytes, [&b"CLCK\x01\x01\x01\x00"[..], &SEED].concat());
    assert_eq!(PublicContext::from_bytes(&bytes).unwrap(), public);
    let secret = SecretContext::fixed(Parameters::V1, MASTER).to_bytes();
    assert_eq!(*secret, [&b"CLCK\x02\x01\x01\x00"[..], &MASTER].concat());
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
    assert!(matches!(fault(&altered(5, 2)), ContextFault::Version { expected: 1, actual: 2 }));
    assert!(matches!(fault(&altered(6, 9)), ContextFault::ParameterSet { actual: 9 }));
    assert!(matches!(fault(&secret), ContextFault::Kind { expected: 1, actual: 2 }));
    assert!(matches!(SecretContext::from_bytes(&bytes), Err(Error::NotAContext { .. })));
    // The insecure set of these tests has an identifier too, but no file may use it.
    assert!(matches!(fault(&altered(6, 0)), ContextFault::ParameterSet { actual: 0 }));
}
