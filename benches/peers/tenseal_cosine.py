"""TenSEAL next to cipherlens on 2048-dimensional unit vectors: prints one Markdown table.

Run it through tenseal.sh, which installs TenSEAL in a virtual environment of its own.

- honest: both vectors are CKKS ciphertexts, the inner product is computed on ciphertexts, and only the score is
  decrypted.
- decrypt both: the vectors are decrypted and compared in the clear, which needs the secret key where the data is.
Vectors have the shape of pooled network features (non-negative, half zeros); those of `cipherlens bench` have both
signs, which affects no time.
"""

import datetime
import json
import platform
import statistics
import subprocess
import sys
import time

import numpy
import tenseal

DIMENSION = 2048
PAIRS = 20
PLAIN_ROWS = 16_384


def features(count, generator):
    left, right = generator.random((2, count, DIMENSION))
    vectors = left * right * (generator.random((count, DIMENSION)) < 0.5)
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def context(degree, primes, scale_bits):
    made = tenseal.context(
        tenseal.SCHEME_TYPE.CKKS, poly_modulus_degree=degree, coeff_mod_bit_sizes=primes, n_threads=1
    )
    made.global_scale = 2**scale_bits
    # With only one prime in addition to the special one there is no level to rescale to: the score keeps the product of
    # the scales.
    made.auto_rescale = len(primes) > 2
    made.generate_galois_keys()
    return made


def timed(work):
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def honest(name, degree, primes, scale_bits, pairs):
    made = context(degree, primes, scale_bits)
    seconds, errors, size = [], [], 0
    for stored, query in pairs:
        stored_vector, query_vector = (tenseal.ckks_vector(made, vector) for vector in (stored, query))
        size = len(stored_vector.serialize())
        score, elapsed = timed(lambda: stored_vector.dot(query_vector).decrypt()[0])
        seconds.append(elapsed)
        errors.append(abs(score - stored @ query))
    return name, statistics.median(seconds) * 1e3, size, max(errors)


def decrypt_both(pairs):
    made = context(8192, [60, 40, 60], 40)
    seconds, errors, size = [], [], 0
    for stored, query in pairs:
        stored_bytes, query_bytes = (tenseal.ckks_vector(made, vector).serialize() for vector in (stored, query))
        size = len(stored_bytes)

        def compare():
            decrypted = [tenseal.ckks_vector_from(made, data).decrypt() for data in (stored_bytes, query_bytes)]
            return numpy.dot(*decrypted)

        score, elapsed = timed(compare)
        seconds.append(elapsed)
        errors.append(abs(score - stored @ query))
    return "TenSEAL, decrypt both and compare in the clear", statistics.median(seconds) * 1e3, size, max(errors)


def plain(generator):
    rows = features(PLAIN_ROWS, generator).astype(numpy.float32)
    query = rows[0].copy()
    seconds = [timed(lambda: rows @ query)[1] for _ in range(15)]
    return "plain f32, numpy", statistics.median(seconds) / PLAIN_ROWS * 1e3, DIMENSION * 4, None


def cipherlens(binary):
    command = [binary, "bench", "--json", "--dimension", str(DIMENSION)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    images = report["images"]
    ours = (
        f"cipherlens, encrypted scan ({report['kernel']})",
        report["encrypted_us_per_image"] / 1e3,
        report["stored_bytes_per_image"],
        report["error_max"],
    )
    whole = (
        f"cipherlens, whole search of {images} images: query, scan, verification, decryption",
        report["whole_search_ms"] / images,
        report["stored_bytes_per_image"],
        report["error_max"],
    )
    return [ours, whole]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main():
    generator = numpy.random.default_rng(2048)
    drawn = features(2 * PAIRS, generator)
    pairs = list(zip(drawn[:PAIRS], drawn[PAIRS:]))
    rows = [
        decrypt_both(pairs),
        honest("TenSEAL, ct x ct, 8192 [60, 40, 60], scale 2^40", 8192, [60, 40, 60], 40, pairs),
        honest("TenSEAL, ct x ct, 4096 [54, 54], scale 2^25", 4096, [54, 54], 25, pairs),
        plain(generator),
        *cipherlens(sys.argv[1]),
    ]
    today = datetime.date.today().isoformat()
    print(f"One thread, {DIMENSION} dimensions, {today}, {processor()}, TenSEAL {tenseal.__version__}; medians.")
    print()
    print("| what | ms per comparison | bytes per vector | largest error |")
    print("|---|---|---|---|")
    for name, milliseconds, size, error in rows:
        shown = "-" if error is None else f"{error:.1e}"
        print(f"| {name} | {milliseconds:.3g} | {size:,} | {shown} |")


main()
