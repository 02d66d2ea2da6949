//! Each step of encrypted search with the first engine.

use std::hint::black_box;

use cipherlens_ckks_v1::{
    BLOCK_IMAGES, DIMENSION, Evaluator, Kernel, KeyHolder, PublicContext, ScannedBlock, SecretContext,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// A unit vector with equal component sizes and alternating runs of signs: speed does not depend on the values.
fn vector(run: usize) -> Vec<f32> {
    let size = 1.0 / (DIMENSION as f32).sqrt();
    (0..DIMENSION).map(|at| if (at / (run + 1)).is_multiple_of(2) { size } else { -size }).collect()
}

fn parts(criterion: &mut Criterion) {
    let public = PublicContext::generate().expect("entropy");
    let holder = || KeyHolder::new(&public, SecretContext::generate().expect("entropy")).expect("a kernel");
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
    group.bench_function("open", |bencher| {
        bencher.iter(|| holder.open(block.ciphertext(), block.nonce(), block.images()));
    });
    for kernel in Kernel::supported() {
        let evaluator = Evaluator::with_kernel(&public, kernel);
        group.bench_function(format!("scan, {}", kernel.name()), |bencher| {
            bencher.iter(|| evaluator.score(block.ciphertext(), black_box(&encrypted)));
        });
    }
    let evaluator = Evaluator::new(&public).expect("a kernel");
    let answered = || {
        let (encrypted, secret) = encrypt(prepare());
        (secret, evaluator.score(block.ciphertext(), &encrypted).expect("one block"))
    };
    let scanned = ScannedBlock { nonce: block.nonce(), hint: block.hint(), images: block.images() };
    group.bench_function("decrypt", |bencher| {
        bencher.iter_batched(
            answered,
            |(secret, answer)| secret.decrypt(&holder, [scanned], &answer).expect("its answer"),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
