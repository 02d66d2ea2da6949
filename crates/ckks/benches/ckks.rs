//! Each step of encrypted search. `cipherlens bench` measures whole searches on more images.

use std::hint::black_box;

use cipherlens_ckks::baseline::{PlainKernel, plain_scores};
use cipherlens_ckks::{
    BLOCK_IMAGES, CheckVectors, Evaluator, Kernel, KeyHolder, Parameters, PublicContext, ScannedBlock, ScannedGroup,
    SecretContext,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const DIMENSION: usize = 512;

/// A unit vector with equal component sizes and alternating runs of signs: speed does not depend on the values.
fn vector(run: usize) -> Vec<f32> {
    let size = 1.0 / (DIMENSION as f32).sqrt();
    (0..DIMENSION).map(|at| if (at / (run + 1)).is_multiple_of(2) { size } else { -size }).collect()
}

fn parts(criterion: &mut Criterion) {
    let parameters = Parameters::for_dimension(DIMENSION).expect("a multiple of 128");
    let public = PublicContext::generate(parameters).expect("entropy");
    let holder = || KeyHolder::new(&public, SecretContext::generate(parameters).expect("entropy")).expect("a kernel");
    criterion.bench_function("expand the reference polynomials", |bencher| bencher.iter(holder));

    let holder = holder();
    let vectors: Vec<Vec<f32>> = (0..BLOCK_IMAGES).map(vector).collect();
    let query = vector(7);
    let prepare = || holder.prepare().expect("entropy");
    let encrypt = |mask| holder.encrypt(mask, &query).expect("a unit vector");
    criterion.bench_function("prepare a mask", |bencher| bencher.iter(prepare));
    criterion.bench_function("encrypt under a mask", |bencher| {
        bencher.iter_batched(prepare, encrypt, BatchSize::PerIteration);
    });

    let block = holder.seal(&vectors).expect("unit vectors");
    let (encrypted, _) = encrypt(prepare());
    let mut group = criterion.benchmark_group("one block");
    group.throughput(Throughput::Elements(BLOCK_IMAGES as u64));
    group.sample_size(30);
    group.bench_function("seal", |bencher| bencher.iter(|| holder.seal(&vectors)));
    let mut checks = CheckVectors::empty(&parameters, 0);
    group.bench_function("add to check vectors", |bencher| bencher.iter(|| checks.add_sealed(&holder, &block)));
    for kernel in Kernel::supported() {
        let evaluator = Evaluator::with_kernel(&public, kernel);
        group.bench_function(format!("scan, {}", kernel.name()), |bencher| {
            bencher.iter(|| evaluator.score(block.ciphertext(), black_box(&encrypted)));
        });
    }
    let (rows, mut scores) = (vectors.concat(), vec![0.0; BLOCK_IMAGES]);
    for kernel in PlainKernel::supported() {
        group.bench_function(format!("plain scan, {}", kernel.name()), |bencher| {
            bencher.iter(|| plain_scores(kernel, &rows, black_box(&query), &mut scores));
        });
    }
    let mut checks = CheckVectors::empty(&parameters, 0);
    checks.add_sealed(&holder, &block).expect("its dimension");
    let evaluator = Evaluator::new(&public).expect("a kernel");
    let answered = || {
        let (encrypted, secret) = encrypt(prepare());
        (secret, evaluator.score(block.ciphertext(), &encrypted).expect("one block"))
    };
    let blocks = [ScannedBlock::from(&block)];
    let scanned = [ScannedGroup { checks: &checks, blocks: &blocks }];
    group.bench_function("verify", |bencher| {
        bencher.iter_batched(
            answered,
            |(secret, answer)| secret.verify(&holder, &scanned, &answer).map(drop).expect("its answer"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("verify and decrypt", |bencher| {
        bencher.iter_batched(
            answered,
            |(secret, answer)| {
                secret.verify(&holder, &scanned, &answer).expect("its answer").decrypt().expect("its block")
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
